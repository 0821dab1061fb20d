"""Crops and flips against a plain numpy loop."""

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
    """Those of some images, one row each."""
    first = tf.constant(0, tf.int64)
    return [augment.numbers(n, seed=0, epoch=first) for n in range(count)]


@pytest.mark.parametrize("size", [(375, 500), (500, 375), (100, 20), (9, 9)])
def test_windows_have_the_promised_area_and_ratio(size):
    height, width = size
    window = tf.function(lambda row: augment.window(height, width, row))
    found = np.array([window(row) for row in numbers(1000)])
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


def test_windows_of_long_images_fall_back_to_the_largest():
    # Nearly all areas ask for more than ten rows.
    for row in numbers(20):
        assert (augment.window(10, 1000, row).numpy()[2:] <= [10, 13]).all()


def test_a_window_of_a_ramp_is_a_ramp():
    ramp = np.tile(np.arange(0, 160, 10, dtype=np.uint8), (16, 1))
    ramp = tf.constant(np.stack([ramp] * 3, axis=-1))
    for row in numbers(20):
        found = augment.cut_and_resize(ramp, row).numpy()
        assert found.shape == ramp.shape
        assert found.dtype == np.uint8
        _, left, _, width = augment.window(16, 16, row).numpy()
        places = left + (np.arange(16) + 0.5) * width / 16 - 0.5
        expected = 10 * places.clip(left, left + width - 1)
        np.testing.assert_allclose(found[5, :, 0], expected, atol=0.51)


@pytest.mark.parametrize("resized", [False, True])
def test_half_of_the_images_are_mirrored(images, resized):
    rule = augment.Augmentation(padding=0, resized=resized)
    found = [augment.changed(images[0], row, rule) for row in numbers(40)]
    mirrored = [
        np.array_equal(image, images[0, :, ::-1])
        for image in found
        if not np.array_equal(image, images[0])
    ]
    assert all(mirrored)
    assert 10 < len(mirrored) < 30


def test_jitter_is_brightness_contrast_and_saturation():
    from PIL import Image, ImageEnhance

    generator = np.random.RandomState(0)
    # Away from 0 and 255, where Pillow would clip in between.
    pixels = generator.randint(90, 130, (4, 6, 6, 3)).astype(np.uint8)
    draws = generator.uniform(size=(4, 3)).astype(np.float32)
    for image, row in zip(pixels, draws, strict=True):
        found = augment.jittered(tf.constant(image), row, strength=0.4)
        light, contrast, colour = 0.6 + 0.8 * row
        expected = Image.fromarray(image)
        expected = ImageEnhance.Brightness(expected).enhance(light)
        expected = ImageEnhance.Color(expected).enhance(colour)
        expected = ImageEnhance.Contrast(expected).enhance(contrast)
        np.testing.assert_allclose(
            np.asarray(expected).astype(int), found.numpy(), atol=4
        )


def test_jitter_of_nothing_changes_nothing(images):
    found = augment.jittered(images[0], np.float32([0.1, 0.5, 0.9]), strength=0)
    np.testing.assert_array_equal(found, images[0])


def test_grey_images_are_jittered_too():
    grey = np.full((4, 4, 1), 100, np.uint8)
    draws = np.float32([0.9, 0.2, 0.7])
    found = augment.jittered(grey, draws, strength=0.4)
    np.testing.assert_allclose(found, 100 * (0.6 + 0.8 * 0.9), atol=0.51)
