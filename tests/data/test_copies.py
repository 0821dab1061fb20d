"""Files that hold the same bytes, across splits and classes."""

import shutil

import numpy as np
import photo_folders
import pytest
from PIL import Image

from elf_keras import data
from elf_keras.data import data_request
from elf_keras.data.sources import class_folders, copies, folder_tree
from elf_keras.data.sources.class_folders import Found

TAIL = b"." * 100
FILES = {
    "train/cat/a": b"one" + TAIL,
    "train/cat/b": b"two" + TAIL,
    "train/dog/c": b"three" + TAIL,
    "train/dog/d": b"",
    "test/cat/e": b"one" + TAIL,
    "test/cat/f": b"ten" + TAIL,
    "test/dog/g": b"two" + TAIL,
    "test/dog/h": b"",
}


@pytest.fixture
def root(tmp_path):
    for name, content in FILES.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(content)
    return tmp_path


def found(*names):
    parts = {}
    for name in names:
        split, label, _ = name.split("/")
        parts.setdefault(split, []).append((name, ["cat", "dog"].index(label)))
    return Found(
        ("cat", "dog"),
        {split: [name for name, _ in part] for split, part in parts.items()},
        {
            split: np.array([label for _, label in part])
            for split, part in parts.items()
        },
    )


def notes(root, names):
    files = found(*names)
    return copies.notes(copies.find(root, files), files)


def test_the_same_bytes_by_number(root):
    paths = [root / name for name in FILES]
    # Of one size and end, and empty ones, which are no copies.
    assert copies.groups(paths) == [[0, 4], [1, 6]]
    assert copies.groups([*paths[1:3], root / "gone"]) == []


def test_test_images_that_were_trained_on(root):
    (known, _) = notes(root, FILES)
    assert known.startswith("2 of 4 test images are copies, byte for byte")
    assert "'test/cat/e' of 'train/cat/a'" in known


def test_an_image_of_two_classes(root):
    names = ("train/cat/b", "train/cat/a", "test/dog/g", "test/cat/f")
    (_, told) = notes(root, names)
    assert told.startswith("2 files hold an image that stands under several")
    assert "'train/cat/b' and 'test/dog/g'" in told


def test_copies_within_a_class_of_training_are_left_alone(root):
    (root / "train/cat/b").write_bytes(FILES["train/cat/a"])
    names = ("train/cat/a", "train/cat/b", "train/dog/c", "test/cat/f")
    assert notes(root, names) == []


@pytest.mark.slow
def test_a_copy_among_the_signs(test_data):
    root = test_data / "gtsrb"
    found = class_folders.find(folder_tree.Tree(root))
    (known,) = copies.notes(copies.find(root, found), found)
    pair = "'test/14/04548.png' of 'train/14/00023_00006.png'"
    assert known.startswith("1 of 4210 test images are copies")
    assert pair in known
    first, other = (
        (root / name).read_bytes() for name in pair.split("'")[1::2]
    )
    assert first == other


@pytest.fixture
def animals(tmp_path):
    """34 photos of three classes, no two the same."""
    for shade, (name, count) in enumerate(
        {"cat": 20, "dog": 10, "eel": 4}.items()
    ):
        for index in range(count):
            path = tmp_path / "train" / name / f"{index:03}_x.png"
            photo = Image.new("L", (4, 4), shade)
            photo_folders.save_commented(path, photo)
    return tmp_path


def load(place, **arguments):
    return data.load("folder", data.Request(place, image_size=4, **arguments))


@pytest.mark.slow
@pytest.mark.parametrize("rule", ["", r"regex:^\d", r"regex:^\d+"])
def test_no_cut_parts_copies(animals, rule):
    """Ten files of the same bytes among 30, some of them under another name."""
    cats = animals / "train" / "cat"
    for number in range(10):
        shutil.copy(cats / "000_x.png", cats / f"{500 + 7 * number}_x.png")
    shutil.copy(cats / "001_x.png", animals / "train" / "dog" / "900_x.png")
    for seed in range(5):
        found = load(animals, validation_group=rule, seed=seed)
        held, trained = (
            {(animals / name).read_bytes() for name in part.names}
            for part in (found.validation, found.train)
        )
        assert held
        assert not held & trained
        assert len(found.train) + len(found.validation) == 45


@pytest.mark.slow
def test_a_run_that_lost_its_splits_does_not_part_copies_either(animals):
    cats = animals / "train" / "cat"
    for number in range(9):
        shutil.copy(cats / "000_x.png", cats / f"{500 + number}_x.png")
    names = ("dog", "cat", "eel")
    run = data_request.Recorded(names, None, {}, {})
    for seed in range(5):
        found = load(animals, recorded=run, seed=seed)
        assert found.class_names == names
        held = [(animals / n).read_bytes() for n in found.validation.names]
        trained = {(animals / name).read_bytes() for name in found.train.names}
        assert not trained & {*held}
