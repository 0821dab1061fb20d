"""Policies on a curve small enough to read."""

import numpy as np
import pytest

from elf_keras import policies, thresholds

COSTS = np.array([20, 60, 110])
BACKBONE = 100


def curve(confidence, correct):
    return thresholds.curve(
        np.array(confidence, "float32"), np.array(correct, bool), costs=COSTS
    )


def four_images():
    """Easy ones right at exit 1, a wrong one there, a hard one."""
    confidence = [
        [0.9, 0.9, 0.9],
        [0.8, 0.9, 0.9],
        [0.6, 0.7, 0.9],
        [0.5, 0.55, 0.9],
    ]
    correct = [[1, 1, 1], [1, 1, 1], [0, 1, 1], [0, 0, 1]]
    return curve(confidence, correct)


def test_the_cheapest_threshold_that_loses_nothing():
    found = policies.choose(four_images(), backbone=BACKBONE)
    assert found["all_exits"] is None
    # Two leave at exit 1, one at exit 2, the last stays: mean 52.5.
    assert 0.6 < found["accurate"] < 0.7


def test_budgets_take_the_best_within_them_and_the_cheaper_of_equals():
    found = policies.choose(four_images(), backbone=BACKBONE)
    assert found["macs_75"] == found["accurate"]
    # The third leaves at exit 1 and is wrong, the last stays: 42.5.
    assert 0.55 <= found["macs_50"] < 0.6
    # All at exit 1.
    assert found["macs_25"] < 0.5


def test_a_budget_below_the_first_exit_has_no_policy():
    found = policies.choose(four_images(), backbone=50)
    assert "macs_25" not in found


def test_thresholds_keep_clear_of_every_confidence():
    full = four_images()
    found = policies.choose(full, backbone=BACKBONE)
    distances = np.abs(full.thresholds - found["accurate"])
    assert distances.min() > 0.04


def test_nobody_leaves_where_every_early_answer_is_wrong():
    full = curve([[0.9, 0.9, 0.5]] * 2, [[0, 0, 1]] * 2)
    assert policies.choose(full, backbone=BACKBONE)["accurate"] is None


@pytest.mark.parametrize("confidence", [1.0, 1e-30])
def test_thresholds_stay_inside_the_open_interval(confidence):
    full = curve([[confidence, 0.9, 0.9]], [[1, 1, 1]])
    for threshold in policies.choose(full, backbone=BACKBONE).values():
        assert threshold is None or 0 < np.float32(threshold) < 1


def test_without_early_exits_all_policies_are_the_same():
    full = thresholds.curve(
        np.array([[0.9]]), np.array([[True]]), costs=np.array([100])
    )
    found = policies.choose(full, backbone=100)
    assert set(found.values()) == {None}
