"""Crops and flips against a plain numpy loop."""

import dataclasses

import numpy as np
import pytest
import tensorflow as tf

from elf_keras.data import augment


@pytest.fixture
def images():
    return np.random.RandomState(0).randint(1, 256, (6, 5, 7, 3), np.uint8)


def crop_in_numpy(images, draws, padding):
    found = np.zeros_like(images)
    _, height, width, _ = images.shape
    for index, (top, left, mirror) in enumerate(draws):
        for y in range(height):
            for x in range(width):
                row, column = y + top - padding, x + left - padding
                if 0 <= row < height and 0 <= column < width:
                    target = width - 1 - x if mirror else x
                    found[index, y, target] = images[index, row, column]
    return found


@pytest.mark.parametrize("padding", [0, 1, 2, 6])
def test_equals_a_plain_loop(images, padding):
    generator = np.random.RandomState(padding)
    places = generator.randint(0, 2 * padding + 1, (2, 6))
    draws = np.array([*places, [0, 1, 0, 1, 1, 0]], np.int32).T
    found = augment.crop_and_flip(
        tf.constant(images), tf.constant(draws), padding=padding
    )
    assert found.dtype == tf.uint8
    np.testing.assert_array_equal(found, crop_in_numpy(images, draws, padding))


@pytest.mark.parametrize(
    ("padding", "flip", "values"), [(2, True, (5, 5, 2)), (0, False, (1, 1, 1))]
)
def test_draws_cover_their_range(padding, flip, values):
    rule = augment.Augmentation(padding, flip)
    table = augment.draw(rule, 4000, seed=0, epoch=0)
    assert table.shape == (4000, 3)
    for column, number in enumerate(values):
        counts = np.bincount(table[:, column].numpy())
        assert len(counts) == number
        assert (abs(counts / 4000 - 1 / number) < 0.04).all()


def test_draws_depend_on_seed_and_epoch():
    rule = augment.Augmentation()
    tables = [
        augment.draw(rule, 50, seed=seed, epoch=epoch).numpy().tolist()
        for seed, epoch in ((0, 0), (0, 0), (0, 1), (1, 0))
    ]
    assert tables[0] == tables[1]
    assert tables[0] not in tables[2:]
    assert tables[2] != tables[3]


def numbers(count):
    """Those of some images of one epoch, one row each."""
    first = tf.constant(0, tf.int64)
    return augment.table(count, seed=0, epoch=first)


def test_numbers_of_files_are_drawn_one_by_one():
    first = tf.constant(0, tf.int64)
    rows = [augment.numbers(n, seed=0, epoch=first).numpy() for n in range(40)]
    assert len(np.unique(rows)) > 39 * augment.NUMBERS
    assert 0 <= np.min(rows) < 0.1
    assert 0.9 < np.max(rows) < 1
    again = augment.numbers(3, seed=0, epoch=first)
    np.testing.assert_array_equal(again, rows[3])


@pytest.mark.parametrize("size", [(375, 500), (500, 375), (100, 20), (9, 9)])
def test_windows_have_the_promised_area_and_ratio(size):
    height, width = size
    found = augment.window(height, width, numbers(1000)).numpy()
    one = augment.window(height, width, numbers(1000)[7])
    np.testing.assert_array_equal(one, found[7])
    top, left, heights, widths = found.T
    assert (found >= [0, 0, 1, 1]).all()
    assert (found[:, :2] + found[:, 2:] <= size).all()
    if min(size) < 375:
        return
    area, ratio = heights * widths / (height * width), widths / heights
    assert 0.07 < area.min() < 0.12
    assert area.max() > 0.9
    # Large ones fit less often; all even, it would be 0.54.
    assert 0.42 < area.mean() < 0.46
    assert 0.74 < ratio.min() < 0.77
    assert 1.3 < ratio.max() < 1.35
    # Every corner is reached: place is as random as size.
    assert top.min() == left.min() == 0
    assert (top + heights).max() == height


def test_windows_can_be_kept_from_being_small():
    found = augment.window(400, 400, numbers(1000), 0.4).numpy()
    area = found[:, 2] * found[:, 3] / 400**2
    assert 0.39 < area.min() < 0.43
    assert area.max() > 0.9


def test_windows_of_long_images_fall_back_to_the_largest():
    # Nearly all areas ask for more than ten rows.
    found = augment.window(10, 1000, numbers(20)).numpy()
    assert (found[:, 2:] <= [10, 13]).all()


@pytest.mark.parametrize("flip", [False, True])
def test_a_window_of_a_ramp_is_a_ramp(flip):
    ramp = np.tile(np.arange(0, 160, 10, dtype=np.uint8), (16, 1))
    ramps = tf.constant(np.stack([np.stack([ramp] * 3, axis=-1)] * 20))
    rows = numbers(20)
    found = augment.cut_and_resize(ramps, rows, flip=flip).numpy()
    assert found.shape == ramps.shape
    assert found.dtype == np.uint8
    mirrored = augment.is_mirrored(rows).numpy() & flip
    assert mirrored.any() == flip
    places = augment.window(16, 16, rows).numpy()
    for image, place, turned in zip(found, places, mirrored, strict=True):
        _, left, _, width = place
        expected = 10 * np.linspace(left, left + width - 1, 16)
        expected = expected[::-1] if turned else expected
        np.testing.assert_allclose(image[5, :, 0], expected, atol=0.51)


@pytest.mark.parametrize("resized", [False, True])
def test_half_of_the_files_are_mirrored(images, resized):
    rule = augment.Augmentation(padding=0, resized=resized)
    found = [augment.changed_file(images[0], row, rule) for row in numbers(40)]
    mirrored = [
        np.array_equal(image, images[0, :, ::-1])
        for image in found
        if not np.array_equal(image, images[0])
    ]
    assert all(mirrored)
    assert 10 < len(mirrored) < 30


def test_crops_are_coloured_in_memory_and_on_disk(images):
    crops = augment.Augmentation(padding=2)
    rule = dataclasses.replace(crops, jitter=0.4)
    rows, epoch = numbers(len(images)), tf.constant(0, tf.int64)
    draws = augment.draw(crops, len(images), seed=0, epoch=epoch)
    found = augment.changed(tf.constant(images), draws, rows, rule)
    cropped = augment.changed(tf.constant(images), draws, rows, crops)
    coloured = augment.jittered(cropped, rows[:, -3:], strength=0.4)
    np.testing.assert_array_equal(found, coloured)
    for image, row in zip(images, rows, strict=True):
        found = augment.changed_file(image, row, rule)
        cropped = augment.changed_file(image, row, crops)[tf.newaxis]
        coloured = augment.jittered(cropped, row[tf.newaxis, -3:], strength=0.4)
        np.testing.assert_array_equal(found, coloured[0])


def test_jitter_is_brightness_contrast_and_saturation():
    from PIL import Image, ImageEnhance

    generator = np.random.RandomState(0)
    # Away from 0 and 255, where Pillow would clip in between.
    pixels = generator.randint(90, 130, (4, 6, 6, 3)).astype(np.uint8)
    draws = generator.uniform(size=(4, 3)).astype(np.float32)
    found = augment.jittered(tf.constant(pixels), draws, strength=0.4).numpy()
    for image, row, jittered in zip(pixels, draws, found, strict=True):
        light, contrast, colour = 0.6 + 0.8 * row
        expected = Image.fromarray(image)
        expected = ImageEnhance.Brightness(expected).enhance(light)
        expected = ImageEnhance.Color(expected).enhance(colour)
        expected = ImageEnhance.Contrast(expected).enhance(contrast)
        np.testing.assert_allclose(
            np.asarray(expected).astype(int), jittered, atol=4
        )


def test_jitter_of_nothing_changes_nothing(images):
    draws = tf.random.stateless_uniform((len(images), 3), (0, 1))
    found = augment.jittered(images, draws, strength=0)
    np.testing.assert_array_equal(found, images)


def test_grey_images_are_jittered_too():
    grey = np.full((1, 4, 4, 1), 100, np.uint8)
    draws = np.float32([[0.9, 0.2, 0.7]])
    found = augment.jittered(grey, draws, strength=0.4)
    np.testing.assert_allclose(found, 100 * (0.6 + 0.8 * 0.9), atol=0.51)
