"""The records that sources return, and the table of sources."""

import subprocess
import sys

import numpy as np
import pytest

from elf_keras import data, errors
from elf_keras.data import splits

NAMES = ("cat", "dog", "eel")


@pytest.fixture
def examples():
    labels = np.array([0, 0, 0, 0, 1, 1, 2], np.int32)
    images = np.arange(7 * 12, dtype=np.uint8).reshape(7, 2, 2, 3)
    return splits.Examples(images, labels, tuple("abcdefg"))


def test_take_keeps_images_labels_and_names_together(examples):
    taken = examples.take(np.array([6, 1]))
    assert len(taken) == 2
    assert taken.names == ("g", "b")
    assert taken.labels.tolist() == [2, 0]
    np.testing.assert_array_equal(taken.images[0], examples.images[6])


def test_counts_after_the_cut(examples):
    train, validation = splits.cut(examples, 0.25, seed=0)
    counts = splits.count_classes(examples.labels, NAMES)
    whole = splits.Splits(train, validation, None, NAMES, counts)
    assert whole.class_counts.tolist() == [4, 2, 1]
    assert whole.train_counts.tolist() == [3, 1, 1]
    assert whole.image_shape == (2, 2, 3)


def test_no_cut_is_no_validation(examples):
    train, validation = splits.cut(examples, 0, seed=0)
    assert validation is None
    assert train is examples


def test_note_names_classes_without_validation_image(examples):
    _, validation = splits.cut(examples, 0.25, seed=0)
    (note,) = splits.coverage_notes(validation, NAMES, "validation")
    assert note.startswith("1 of 3 classes have no validation image")
    assert "'eel'" in note
    assert splits.coverage_notes(examples, NAMES, "test") == ()
    (note,) = splits.coverage_notes(None, NAMES, "test")
    assert note.startswith("3 of 3 classes have no test image")


@pytest.mark.parametrize(
    ("name", "arguments", "words"),
    [
        ("mnist", {}, "digits_lt, cifar10_lt"),
        ("digits_lt", {"validation_group": "prefix:_"}, "only the data set"),
        ("digits_lt", {"imbalance": 0.5}, "imbalance"),
        ("digits_lt", {"imbalance": 1e6}, "no training image of '"),
        ("digits_lt", {"validation_fraction": 1.0}, "fraction"),
        ("digits_lt", {"image_size": 0}, "image size"),
        ("folder", {}, "--data_dir"),
    ],
)
def test_load_refuses_in_one_line(name, arguments, words):
    with pytest.raises(errors.InputError, match=words) as caught:
        data.load(name, data.Request(**arguments))
    assert "\n" not in str(caught.value)


def test_load_resizes_sources_of_fixed_size():
    loaded = data.load("digits_lt", data.Request(imbalance=10, image_size=16))
    for part in (loaded.train, loaded.validation, loaded.test):
        assert part.images.shape[1:] == (16, 16, 1)


def test_the_table_imports_without_heavy_libraries():
    code = (
        "import sys, elf_keras.data as data; data.SOURCES; print([name for "
        "name in ('tensorflow', 'keras', 'PIL', 'sklearn', "
        "'tensorflow_datasets') if name in sys.modules])"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert ran.stdout.strip() == "[]"


def test_statistics_are_those_of_all_pixels_counted_in_parts(monkeypatch):
    images = np.random.default_rng(0).integers(0, 256, (7, 5, 4, 2), "uint8")
    images[..., 1] = 9
    part = splits.Examples(images, np.zeros(7, "int32"), ("",) * 7)
    monkeypatch.setattr(splits, "_COUNTED", 3)
    made = splits.Splits(part, None, None, ("a",), np.array([7]))
    mean, deviation = made.pixel_statistics
    np.testing.assert_allclose(mean, images.mean((0, 1, 2)), rtol=1e-12)
    assert deviation[0] == pytest.approx(images[..., 0].std(), rel=1e-12)
    assert deviation[1] == 1.0
