"""Crops and flips against a plain numpy loop."""

import numpy as np
import pytest
import tensorflow as tf

from elf_keras.data import augment


@pytest.fixture
def images():
    generator = np.random.RandomState(0)
    return generator.randint(1, 256, (6, 5, 7, 3)).astype(np.uint8)


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
    draws = np.stack(
        [
            generator.randint(0, 2 * padding + 1, 6),
            generator.randint(0, 2 * padding + 1, 6),
            [0, 1, 0, 1, 1, 0],
        ],
        axis=1,
    ).astype(np.int32)
    found = augment.crop_and_flip(
        tf.constant(images), tf.constant(draws), padding=padding
    )
    assert found.dtype == tf.uint8
    np.testing.assert_array_equal(found, crop_in_numpy(images, draws, padding))


def test_centre_crop_without_flip_changes_nothing(images):
    draws = tf.constant([[3, 3, 0]] * 6)
    found = augment.crop_and_flip(tf.constant(images), draws, padding=3)
    np.testing.assert_array_equal(found, images)


def test_draws_cover_their_range():
    table = augment.draw(augment.Augmentation(2, True), 4000, seed=0, epoch=0)
    assert table.shape == (4000, 3)
    for column, values in enumerate([range(5), range(5), range(2)]):
        counts = np.bincount(table[:, column].numpy())
        assert len(counts) == len(values)
        assert (abs(counts / 4000 - 1 / len(values)) < 0.04).all()


def test_draws_without_flip_or_padding_are_zero():
    table = augment.draw(augment.Augmentation(0, False), 50, seed=0, epoch=0)
    assert not table.numpy().any()


def test_draws_depend_on_seed_and_epoch():
    rule = augment.Augmentation()
    tables = [
        augment.draw(rule, 50, seed=seed, epoch=epoch).numpy().tolist()
        for seed, epoch in ((0, 0), (0, 0), (0, 1), (1, 0))
    ]
    assert tables[0] == tables[1]
    assert tables[0] not in tables[2:]
    assert tables[2] != tables[3]


def table(rows=2000, seed=0):
    return augment.uniforms(rows, seed=seed, epoch=tf.constant(0, tf.int64))


@pytest.mark.parametrize("size", [(375, 500), (500, 375), (100, 20), (9, 9)])
def test_windows_have_the_promised_area_and_ratio(size):
    height, width = size
    found = augment.windows(table(), height, width).numpy()
    top, left, heights, widths = found.T
    assert (found >= 0).all()
    assert (heights >= 1).all()
    assert (widths >= 1).all()
    assert (top + heights <= height).all()
    assert (left + widths <= width).all()
    if size[0] < 375 or size[1] < 375:
        return
    area, ratio = heights * widths / (height * width), widths / heights
    assert 0.07 < area.min() < 0.12
    assert area.max() > 0.9
    assert 0.74 < ratio.min() < 0.77
    assert 1.3 < ratio.max() < 1.35
    # Every corner is reached: place is as random as size.
    assert top.min() == left.min() == 0
    assert (top + heights).max() == height


def test_windows_of_long_images_fall_back_to_the_largest():
    found = augment.windows(table(50), 10, 1000).numpy()
    # Nearly all areas ask for more than ten rows.
    assert (found[:, 2] <= 10).all()
    assert (found[:, 3] <= 13).all()


def test_crop_and_resize_keeps_a_ramp(images):
    ramp = np.tile(np.arange(0, 160, 10, dtype=np.uint8), (200, 16, 1))
    ramp = np.stack([ramp] * 3, axis=-1)
    rows = table(200)
    for flip in (False, True):
        found = augment.crop_and_resize(
            tf.constant(ramp), rows, flip=flip
        ).numpy()
        assert found.shape == ramp.shape
        assert found.dtype == np.uint8
        mirrored = flip & augment.is_mirrored(rows).numpy()
        windows = augment.windows(rows, 16, 16).numpy()
        for image, (_, left, _, width), turned in zip(
            found, windows, np.broadcast_to(mirrored, 200), strict=True
        ):
            expected = np.linspace(10 * left, 10 * (left + width - 1), 16)
            row = image[5, ::-1, 0] if turned else image[5, :, 0]
            np.testing.assert_allclose(row, expected, atol=0.51)


def test_jitter_is_brightness_contrast_and_saturation():
    from PIL import Image, ImageEnhance

    generator = np.random.RandomState(0)
    # Away from 0 and 255, where Pillow would clip in between.
    pixels = generator.randint(90, 130, (4, 6, 6, 3)).astype(np.uint8)
    rows = table(4, seed=3)
    found = augment.jittered_bytes(tf.constant(pixels), rows, strength=0.4)
    for image, row, jittered in zip(pixels, rows.numpy(), found, strict=True):
        light, contrast, colour = 0.6 + 0.8 * row[-3:]
        expected = Image.fromarray(image)
        expected = ImageEnhance.Brightness(expected).enhance(light)
        expected = ImageEnhance.Color(expected).enhance(colour)
        expected = ImageEnhance.Contrast(expected).enhance(contrast)
        np.testing.assert_allclose(
            np.asarray(expected).astype(int), jittered.numpy(), atol=4
        )


def test_jitter_of_nothing_changes_nothing(images):
    found = augment.jittered_bytes(tf.constant(images), table(6), strength=0.0)
    np.testing.assert_array_equal(found, images)


def test_grey_images_are_jittered_too():
    grey = np.full((3, 4, 4, 1), 100, np.uint8)
    found = augment.jittered_bytes(tf.constant(grey), table(3), strength=0.4)
    lights = 0.6 + 0.8 * table(3).numpy()[:, -3]
    np.testing.assert_allclose(found[:, 0, 0, 0], 100 * lights, atol=0.51)
