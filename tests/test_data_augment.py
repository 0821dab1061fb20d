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
