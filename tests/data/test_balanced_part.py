"""A balanced part of some examples: rare classes whole, the same again."""

import numpy as np
import pytest
import tiny

from elf_keras.data import balanced_part


@pytest.mark.parametrize(
    ("limit", "counts"),
    [(100, [9, 6, 3]), (18, [9, 6, 3]), (17, [8, 6, 3]), (9, [3, 3, 3])]
    + [(4, [1, 1, 1]), (3, [1, 1, 1])],
)
def test_rare_classes_are_held_whole(limit, counts):
    labels = np.repeat([0, 1, 2], [9, 6, 3])
    found = balanced_part._balanced(labels, limit, seed=0)
    assert np.bincount(labels[found]).tolist() == counts
    assert (np.diff(found) > 0).all()


@pytest.mark.parametrize("most", [2, 3, 7, 99])
def test_at_most_so_many_are_taken_and_the_same_again(most):
    """A run that goes on knows how many there were; classes may be more."""
    examples = tiny.examples((9, 6, 3))
    found = balanced_part.some(examples, most, seed=0)
    assert len(found) <= most
    again = balanced_part.some(examples, len(found), seed=0)
    assert again.names == found.names
