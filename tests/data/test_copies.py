"""Files that hold the same bytes, across splits and classes."""

import numpy as np
import pytest

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
