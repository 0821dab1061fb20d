"""Times of heads and exits that do not pay, on numbers one can check."""

import json

import numpy as np
import pytest

from elf_keras.data import splits
from elf_keras.deploy import manifest


def test_reached_is_what_is_left_before_each_exit():
    found = manifest.reached([0.5, 0.3, 0.2])
    np.testing.assert_allclose(found, [1.0, 0.5, 0.2])


@pytest.mark.parametrize(
    ("stages", "alone", "heads"),
    [
        # Backbone parts of 3, 2 and 4 ms.
        ([3.5, 2.25, 4.0], [3.5, 5.25, 9.0], [0.5, 0.25]),
        # Noise makes no negative head.
        ([3.0, 2.0], [3.0, 5.2], [0.0]),
    ],
)
def test_times_of_heads_from_the_files_that_ship(stages, alone, heads):
    found = manifest.head_milliseconds(stages, alone)
    np.testing.assert_allclose(found, heads)


@pytest.mark.parametrize(
    ("shares", "exits"),
    [([0.5, 0.3, 0.2], []), ([0.05, 0.0, 0.95], [1, 2]), ([0, 0.2, 0.8], [1])],
)
def test_an_exit_pays_if_its_leavers_save_more_than_its_head_costs(
    shares, exits
):
    """Exit 1: 0.5 ms for everyone against 6 ms for each leaver."""
    found = manifest.payback(shares, [3.5, 2.0, 4.0], np.array([0.5, 0.25]))
    assert [int(text.split()[1]) for text in found] == exits


def test_checksums_cover_every_file_but_the_manifest(tmp_path):
    (tmp_path / "tflite").mkdir()
    (tmp_path / "tflite" / "a.tflite").write_bytes(b"abc")
    (tmp_path / manifest.NAME).write_text("{}")
    # SHA-256 of "abc", FIPS 180-2, B.1.
    expected = (
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    )
    assert manifest.checksums(tmp_path) == {"tflite/a.tflite": expected}


def test_labels_are_one_a_line_in_the_order_of_scores(tmp_path):
    file = manifest.write_labels(tmp_path, ["kočka", "two\nlines", "0"])
    found = (tmp_path / file).read_bytes().decode()
    assert found == "kočka\ntwo\\nlines\n0\n"


@pytest.mark.parametrize(
    ("side", "classes", "labels"),
    [
        # Sixty of small images, the same number of each class, by turns.
        (8, 3, [0, 1, 2] * 20),
        # 1.5 MB hold nine of 224 pixels: classes from the first to the last.
        (224, 17, [0, 2, 4, 6, 8, 10, 12, 14, 16]),
    ],
)
def test_samples_are_few_where_images_are_large(
    tmp_path, side, classes, labels
):
    given = np.repeat(np.arange(classes), 30)
    image = np.zeros((1, side, side, 3), "uint8")
    images = np.broadcast_to(image, (len(given), side, side, 3))
    names = ("a.jpg",) * len(given)
    manifest.write_samples(
        tmp_path, splits.Examples(images, given, names), classes
    )
    record = json.loads((tmp_path / "samples.json").read_text())
    assert record["labels"] == labels
    size = (tmp_path / "images.bin").stat().st_size
    assert size == record["count"] * side * side * 3
