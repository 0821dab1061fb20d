"""Labels of one class and of two, by hand values."""

import numpy as np
import pytest
import tensorflow as tf

from elf_keras.errors import InputError
from elf_keras.losses import mixed_labels


def test_numbers_of_classes_have_no_shares():
    for labels in ([2, 0], [[2], [0]]):
        shares, (classes,) = mixed_labels.by_share(np.array(labels), 3)
        assert shares is None
        assert np.array(classes).tolist() == [2, 0]


@pytest.mark.parametrize("rows", [[1, 0], [[1], [0]], [[0, 1, 0], [1, 0, 0]]])
def test_a_list_of_rows_is_one_set(rows):
    for kind in (np.array, tf.constant):
        _, (classes, *_) = mixed_labels.by_share([kind(r) for r in rows], 3)
        assert np.array(classes).tolist() == [1, 0]


def test_a_set_for_each_exit_is_refused():
    for given in ([np.array([1, 0])] * 2, {"exit_1": np.array([1, 0])}):
        with pytest.raises(InputError, match="sets? of labels: expected one"):
            mixed_labels.by_share(given, 3)


def test_shares_come_with_the_larger_one_first():
    labels = np.array([[0.25, 0.0, 0.75], [0.0, 1.0, 0.0]], "float32")
    shares, classes = mixed_labels.by_share(labels, 3)
    assert np.array(shares).tolist() == [[0.75, 1.0], [0.25, 0.0]]
    assert np.array(classes[0]).tolist() == [2, 1]
    assert np.array(classes[1])[0] == 0


def test_a_heavy_class_has_the_larger_part_of_an_examples_weight():
    """Of weights 1 and 6 at shares 3/4 and 1/4: 0.75 + 1.5 = 2.25."""
    shares = [np.float32([0.75]), np.float32([0.25])]
    weights = [np.float32([1]), np.float32([6])]
    parts, whole = mixed_labels.parts_of_weight(shares, weights)
    np.testing.assert_allclose(whole, [2.25])
    np.testing.assert_allclose(parts, [[1 / 3], [2 / 3]], rtol=1e-6)
    losses = [np.float32([[3, 6]]), np.float32([[9, 0]])]
    np.testing.assert_allclose(mixed_labels.mix(parts, losses), [[7, 2]])


@pytest.mark.parametrize(
    "labels", [None, np.zeros((2, 4)), np.zeros((1, 2, 3))]
)
def test_other_labels_are_refused(labels):
    with pytest.raises(InputError, match="labels"):
        mixed_labels.by_share(labels, 3)
