"""The hole of Cutout, by hand."""

import numpy as np
import pytest
import tensorflow as tf

from elf_keras.data import cutout


def hole(size, side, row, column):
    """Which pixels of a white square are cut; its centre as places."""
    image = np.full((1, side, side, 3), 255, np.uint8)
    numbers = [[(row + 0.5) / side, (column + 0.5) / side]]
    rule = cutout.Cutout(size, (10, 20, 30))
    found = rule.changed(tf.constant(image), tf.constant(numbers)).numpy()[0]
    cut = (found != 255).any(-1)
    assert (found[cut] == (10, 20, 30)).all()
    return cut


@pytest.mark.parametrize(
    ("size", "row", "column", "rows", "columns"),
    [
        # From 4 below the centre to 3 above it, as the authors' code.
        (8, 16, 10, (12, 20), (6, 14)),
        (16, 16, 16, (8, 24), (8, 24)),
        # Beyond an edge: what is left of it.
        (16, 0, 31, (0, 8), (23, 32)),
        (16, 31, 2, (23, 32), (0, 10)),
        (1, 5, 6, (5, 6), (6, 7)),
        (3, 5, 6, (4, 7), (5, 8)),
    ],
)
def test_a_hole_by_hand(size, row, column, rows, columns):
    expected = np.zeros((32, 32), bool)
    expected[slice(*rows), slice(*columns)] = True
    np.testing.assert_array_equal(hole(size, 32, row, column), expected)


def test_each_image_has_its_own_and_every_pixel_is_a_centre():
    numbers = tf.random.stateless_uniform((4000, 2), (0, 1))
    images = tf.fill((4000, 4, 6, 1), tf.constant(9, tf.uint8))
    rule = cutout.Cutout(1, (0,))
    cut = rule.changed(images, numbers).numpy()[..., 0] == 0
    assert (cut.sum((1, 2)) == 1).all()
    # 4000 / 24 for each, within some four deviations.
    assert (abs(cut.sum(0) - 4000 / 24) < 55).all()
