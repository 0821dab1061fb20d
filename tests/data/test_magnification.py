"""Small photos are read at the pixels that they are worth."""

import json

import numpy as np
import photo_folders
import pytest

from elf_keras import data, errors, runs
from elf_keras.data import recorded
from elf_keras.data.sources import magnification


def photos(place, sides, over=5):
    return [
        photo_folders.save(
            place / f"{index:03}.png",
            photo_folders.smooth(index, (side, side + over)),
        )
        for index, side in enumerate(sides)
    ]


@pytest.mark.parametrize(
    ("sides", "size", "limit", "expected"),
    [
        ([32, 32, 32], 224, 4.0, 128),
        ([30, 10, 90], 224, 4.0, 128),
        ([32], 224, 1.5, 64),
        ([10, 30], 224, 1.0, 32),
        ([56, 60], 224, 4.0, 224),
        ([300], 224, 1.0, 224),
        ([32], 40, 4.0, 40),
    ],
)
def test_half_of_them_keep_within_the_limit(
    tmp_path, sides, size, limit, expected
):
    """By hand: 32 times the least whole number that limit x median needs."""
    paths = photos(tmp_path, sides)
    found, told = magnification.limited(paths, size, limit)
    assert found == expected
    assert bool(told) == (found != size)
    for line in told:
        assert f"pixels); --magnification_limit={limit:g} makes" in line
        assert line.endswith(f"size {found} pixels instead of {size}")


def test_files_that_cannot_be_read_do_not_count(tmp_path):
    paths = photos(tmp_path, [32, 32])
    for index in range(5):
        (tmp_path / f"{index}.jpg").write_bytes(b"no image")
        paths.append(tmp_path / f"{index}.jpg")
    assert magnification.limited(paths, 224, 2.0)[0] == 64
    assert magnification.limited(paths[2:], 224, 2.0) == (224, [])


def test_photos_whose_ends_are_not_seen_are_told(tmp_path):
    """Of three, the centre squares are 30/70, 30/70 and 90/130."""
    paths = photos(tmp_path, [30, 30, 90], over=40)
    size, (told,) = magnification.limited(paths, 32, 4.0)
    assert size == 32
    assert "which is 43 % of most of these or less" in told
    _, notes = magnification.limited(paths, 224, 4.0)
    assert [note.split()[0] for note in notes] == ["photos", "images"]
    assert magnification.limited(paths[2:], 96, 4.0) == (96, [])
    # Whatever limits their size, or nothing does.
    size, notes = magnification.limited(paths, 224, None)
    assert (size, len(notes)) == (224, 1)


@pytest.fixture
def folder(tmp_path):
    for name in ("cat", "dog"):
        photos(tmp_path / "photos" / "train" / name, [12] * 4)
        photos(tmp_path / "photos" / "test" / name, [50] * 2)
    return tmp_path / "photos"


def load(folder, **options):
    request = data.Request(
        folder, image_size=96, magnification_limit=2.0, **options
    )
    return data.load("folder", request)


@pytest.mark.parametrize("images_on", ["memory", "disk"])
def test_all_parts_have_the_size_of_training(folder, images_on):
    loaded = load(folder, images_on=images_on)
    shapes = [part.images.shape[1:] for part in loaded.parts.values()]
    assert shapes == [(32, 32, 3)] * 3
    assert any("is 12 pixels)" in note for note in loaded.notes)


def test_a_run_keeps_its_size_whatever_it_meets_later(folder, tmp_path):
    before = load(folder)
    recorded.write(tmp_path / "run", before)
    for path in (folder / "train").rglob("*.png"):
        photo_folders.save(path, photo_folders.smooth(1, (60, 60)))
    assert load(folder).image_shape == (96, 96, 3)
    run = recorded.read(tmp_path / "run")
    again = load(folder, recorded=run)
    assert again.image_shape == (32, 32, 3)
    assert not any("are small" in note for note in again.notes)
    # Another run that takes over its classes alone has photos of its own.
    fresh = load(folder, recorded=run.without_examples)
    assert fresh.image_shape == (96, 96, 3)


def test_other_sources_are_resized_as_before():
    request = data.Request(image_size=16, magnification_limit=1.0)
    assert data.load("digits_lt", request).image_shape == (16, 16, 1)


@pytest.mark.parametrize("shape", [[], "32", ["32", 32, 3]])
def test_a_damaged_record_of_the_size_is_refused(folder, tmp_path, shape):
    recorded.write(tmp_path / "run", load(folder))
    path = tmp_path / "run" / runs.RECORD
    record = json.loads(path.read_text())
    record["data"]["image_shape"] = shape
    path.write_text(json.dumps(record))
    with pytest.raises(errors.InputError, match="is damaged"):
        recorded.read(tmp_path / "run")


@pytest.mark.parametrize("limit", [0.5, np.inf, np.nan])
def test_a_limit_that_is_none(folder, limit):
    request = data.Request(folder, magnification_limit=limit)
    with pytest.raises(errors.InputError, match="expected 1 or more"):
        data.load("folder", request)


def test_a_limit_leaves_large_photos_as_they_are(tmp_path):
    photos(tmp_path / "a", [40] * 3)
    photos(tmp_path / "b", [40] * 3)
    asked = {"image_size": 24, "images_on": "memory"}
    plain = data.load("folder", data.Request(tmp_path, **asked))
    limited = data.load(
        "folder", data.Request(tmp_path, magnification_limit=4.0, **asked)
    )
    np.testing.assert_array_equal(limited.train.images, plain.train.images)
    assert limited.notes == plain.notes
