"""Paired differences, worked by hand."""

import numpy as np
import pytest

from elf_keras.evaluation import paired

QUARTERS = np.full(4, 0.25)


@pytest.mark.parametrize(
    ("one", "other", "errors", "better"),
    [
        # Gains 1, 1, 0, 0: mean 1/2, error 1/4 · √(4 · 1/4) = 1/4.
        ([1, 1, 1, 0], [0, 0, 1, 0], 1.9, True),
        ([1, 1, 1, 0], [0, 0, 1, 0], 2.1, False),
        ([0, 0, 1, 0], [1, 1, 1, 0], 0.0, False),
        ([1, 0, 1, 0], [1, 0, 1, 0], 0.0, False),
        # Every image gained: no spread at all.
        ([1, 1, 1, 1], [0, 0, 0, 0], 100.0, True),
    ],
)
def test_by_hand(one, other, errors, better):
    found = paired.surely_better(
        np.array(one, bool), np.array(other, bool), QUARTERS, errors=errors
    )
    assert found is better


def test_weights_decide_whose_gain_counts():
    weights = np.array([0.9, 0.1])
    # Gains 1, -1: mean 0.8; deviations 0.2, -1.8: error √(0.0324 + 0.0324).
    for errors, better in ((3.1, True), (3.2, False)):
        found = paired.surely_better(
            np.array([1, 0]), np.array([0, 1]), weights, errors=errors
        )
        assert found is better
