"""Folders of splits by their usual names, and what beside them means."""

import os
import unicodedata

import photo_folders
import pytest
from PIL import Image

from elf_keras import data, errors


def fill(root, places):
    """`{folder: images}`; each image is as grey as its folder's label."""
    for name, count in places.items():
        (root / name).mkdir(parents=True, exist_ok=True)
        for index in range(count):
            shade = 10 * (ord(name[-1]) % 16)
            photo = Image.new("L", (4, 4), shade)
            photo = Image.new("L", (4, 4), shade)
            photo_folders.save_commented(root / name / f"{index}.png", photo)
    return root


def load(root):
    return data.load("folder", data.Request(root, image_size=4))


@pytest.mark.parametrize("train", ["train", "Train", "TRAINING"])
@pytest.mark.parametrize("validation", ["val", "Valid", "validation", None])
@pytest.mark.parametrize("test", ["test", "Testing", "eval", "Evaluation"])
def test_usual_names_in_any_case(tmp_path, train, validation, test):
    places = [(train, 3), (test, 2)] + [(validation, 1)] * bool(validation)
    for split, count in places:
        fill(tmp_path / split, {"cat": count, "dog": count})
    loaded = load(tmp_path)
    assert loaded.class_names == ("cat", "dog")
    assert loaded.class_counts.tolist() == [3, 3]
    assert {name.split("/")[0] for name in loaded.test.names} == {test}
    cut = validation or train
    assert {name.split("/")[0] for name in loaded.validation.names} == {cut}
    assert not loaded.left_out


@pytest.mark.parametrize(
    ("places", "words"),
    [
        ({"train/a": 1, "Training/a": 1}, "'Training', 'train'.*for train"),
        ({"train/a": 1, "val/a": 1, "valid/a": 1}, "'val', 'valid'"),
        ({"train/a": 1, "test/a": 1, "eval/a": 1}, "'eval', 'test'"),
        ({"Train": 3, "Test": 3}, "class folders are missing.*'Test', 'Train'"),
        ({"train": 3}, "class folders are missing in 'train'"),
        ({"train": 3, "test/a": 1, "test/b": 1}, "missing in 'train'"),
        ({"train": 3, "test": 3, "docs": 0}, "missing in 'test', 'train'"),
        ({"train/train/a": 1, "train/val/a": 1}, "train holds folders of sp"),
        ({"test/a": 1, "test/b": 1}, "'test' but no train folder"),
        (
            {"train_set/a": 1, "train_set/b": 1, "test_set/a": 1},
            "'test_set', 'train_set', with the same folders",
        ),
        ({"raw/train/a": 1, "aug/train/a": 1}, "aug holds folders of splits"),
        (
            {"cat/train": 2, "cat/test": 1, "dog/train": 2},
            "the class 'cat' holds splits, 'test', 'train'; .*as test/cat",
        ),
        ({"a/train/cat": 1, "a/train/dog": 1}, "give --data_dir=.*/a$"),
        ({"a/b/cat": 1, "a/b/dog": 1}, "'cat', 'dog': give --data_dir=.*/a/b$"),
        ({"cat": 3}, "only one class, 'cat'"),
        # Photos side by side, with a table of labels beside them.
        ({"images": 3}, "in a table are given by --labels=FILE.csv"),
        ({"train/cat": 3, "test/cat": 1}, "only one class, 'cat'"),
    ],
)
def test_folders_that_are_no_classes(tmp_path, places, words):
    with pytest.raises(errors.InputError, match=words) as refused:
        load(fill(tmp_path, places))
    assert "\n" not in str(refused.value)


def test_what_stands_beside_the_splits_is_told(tmp_path):
    places = {"train/a": 4, "train/b": 4, "test": 2, "labels": 1, "train": 1}
    (fill(tmp_path, places) / "README.md").write_text("photos")
    loaded = load(tmp_path)
    assert len(loaded.train) + len(loaded.validation) == 8
    assert loaded.test is None
    assert [(each.reason, each.names) for each in loaded.left_out] == [
        ("folder of no split", ("labels/",)),
        ("in no class folder", ("test/0.png", "test/1.png", "train/0.png")),
        ("suffix .md is no image", ("README.md",)),
    ]
    assert "'test' has no class folder and is no split." in loaded.notes
    told = "3 left out, in no class folder: 'test/0.png', 'test/1.png'"
    assert any(note.startswith(told) for note in loaded.notes)


def test_a_class_that_is_named_as_a_split_is_told(tmp_path):
    loaded = load(fill(tmp_path, {"boat": 2, "plane": 2, "train": 2}))
    assert loaded.class_names == ("boat", "plane", "train")
    assert any("'train' is taken for a class" in x for x in loaded.notes)


def test_classes_of_training_may_be_missing_elsewhere(tmp_path):
    fill(tmp_path, {"train/a": 4, "train/b": 2, "train/c": 2, "test/b": 2})
    loaded = load(fill(tmp_path, {"val/a": 1, "test/notes": 0}))
    assert loaded.class_names == ("a", "b", "c")
    assert loaded.test.labels.tolist() == [1, 1]
    told = [note for note in loaded.notes if "class means" in note]
    assert "2 of 3 classes have no validation image" in told[0]
    assert "2 of 3 classes have no test image" in told[1]


@pytest.mark.parametrize("split", ["val", "test"])
def test_a_class_of_another_split_alone_is_named(tmp_path, split):
    fill(tmp_path, {"train/a": 1, "train/b": 1, f"{split}/z": 1})
    with pytest.raises(errors.InputError, match="without training image: 'z'"):
        load(tmp_path)


def test_spellings_of_one_name_are_one_class(tmp_path):
    composed = "caf\u00e9"
    decomposed = unicodedata.normalize("NFD", composed)
    places = {f"train/{decomposed}": 3, f"test/{composed}": 2, "train/z": 3}
    loaded = load(fill(tmp_path, places))
    assert loaded.class_names == (composed, "z")
    assert loaded.test.names[0] == f"test/{composed}/0.png"
    fill(tmp_path, {f"train/{composed}": 1})
    with pytest.raises(errors.InputError, match=r"cafe\\u0301.*caf\\xe9"):
        load(tmp_path)


def test_names_that_are_not_utf_8(tmp_path):
    for split, count in (("train", 4), ("test", 2)):
        for name, images in ((b"caf\xe9", count), (b"caf\xe8", 2)):
            fill(tmp_path / split, {os.fsdecode(name): images})
    loaded = load(tmp_path)
    assert loaded.class_names == (r"caf\xe8", r"caf\xe9")
    assert loaded.class_counts.tolist() == [2, 4]
    assert loaded.test.names[-1] == r"test/caf\xe9/1.png"


def test_a_folder_named_like_a_split_within_a_class_is_of_that_class(tmp_path):
    fill(tmp_path, {"air": 2, "rail/train": 2, "road": 2})
    assert load(tmp_path).class_counts.tolist() == [2, 2, 2]


def test_classes_whose_names_begin_like_splits_are_classes(tmp_path):
    """With series of the same names in all of them."""
    places = ("valley", "test tube", "peak")
    fill(tmp_path, {f"{name}/{day}": 2 for name in places for day in "ab"})
    assert load(tmp_path).class_names == ("peak", "test tube", "valley")
