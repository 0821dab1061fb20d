import json

import numpy as np
import pytest

from elf_keras.errors import InputError
from elf_keras.evaluation import cost_curve
from elf_keras.exits import exit_rule

COSTS = np.array([10.0, 25.0, 60.0])


def random_case(images, exits, levels, dtype=np.float32):
    """Confidences with many ties when there are few levels."""
    random = np.random.RandomState(images + levels)
    steps = np.linspace(0.1, 1.0, levels).astype(dtype)
    confidence = random.choice(steps, (images, exits))
    correct = random.rand(images, exits) < 0.6
    return confidence, correct, random.rand(images)


def scores_at(threshold, confidence, correct, costs, weights):
    """The same scores example by example, through the shared exit rule."""
    shares, accuracy, cost = np.zeros(len(costs)), 0.0, 0.0
    taken = exit_rule.exit_taken(confidence > threshold)
    for i, k in enumerate(taken):
        weight = weights[i] / weights.sum()
        shares[k] += weight
        accuracy += weight * correct[i, k]
        cost += weight * costs[k]
    return {"accuracy": accuracy, "cost": cost, "shares": shares}


@pytest.mark.parametrize("levels", [1, 2, 5, 1000])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_every_point_agrees_with_a_loop_over_examples(levels, dtype):
    confidence, correct, weights = random_case(40, 3, levels, dtype)
    found = cost_curve.curve(confidence, correct, costs=COSTS, weights=weights)
    assert found.thresholds.dtype == dtype
    assert found.shares.shape == (len(found.thresholds), 3)
    for p, s in enumerate(found.thresholds):
        expected = scores_at(s, confidence, correct, COSTS, weights)
        assert found.accuracy[p] == pytest.approx(expected["accuracy"])
        assert found.cost[p] == pytest.approx(expected["cost"])
        np.testing.assert_allclose(
            found.shares[p], expected["shares"], atol=1e-12
        )


@pytest.mark.parametrize("levels", [3, 1000])
def test_scores_at_any_threshold_agree_with_the_loop(levels):
    confidence, correct, weights = random_case(40, 3, levels)
    found = cost_curve.curve(confidence, correct, costs=COSTS, weights=weights)
    some = [float(s) for s in confidence[:10, 0]]
    for s in [-1.0, 0.0, 0.1, 0.55, 0.9, 1.0, 2.0, *some]:
        expected = scores_at(s, confidence, correct, COSTS, weights)
        at = found.at(s)
        assert at["threshold"] == s
        assert at["accuracy"] == pytest.approx(expected["accuracy"])
        assert at["cost"] == pytest.approx(expected["cost"])
        np.testing.assert_allclose(at["shares"], expected["shares"], atol=1e-12)


def test_no_threshold_between_the_points_gives_other_scores():
    confidence, correct, weights = random_case(30, 3, 50)
    found = cost_curve.curve(confidence, correct, costs=COSTS, weights=weights)
    assert (np.diff(found.thresholds) > 0).all()
    for s in np.linspace(0, 1, 211, dtype=np.float32):
        expected = scores_at(s, confidence, correct, COSTS, weights)
        assert found.at(s)["cost"] == pytest.approx(expected["cost"])


def test_the_ends_are_all_at_exit_1_and_all_at_the_last():
    confidence, correct, _ = random_case(50, 3, 7)
    found = cost_curve.curve(confidence, correct, costs=COSTS)
    np.testing.assert_allclose(found.shares[0], [1, 0, 0], atol=1e-12)
    np.testing.assert_allclose(found.shares[-1], [0, 0, 1], atol=1e-12)
    assert found.cost[0] == pytest.approx(10)
    assert found.cost[-1] == pytest.approx(60)
    assert found.accuracy[0] == pytest.approx(correct[:, 0].mean())
    assert found.accuracy[-1] == pytest.approx(correct[:, -1].mean())
    assert (found.shares >= 0).all()
    np.testing.assert_allclose(found.shares.sum(axis=1), 1)


def test_a_hand_made_curve():
    # Image 1 leaves early below 0.5; image 2 at exit 1 below 0.3, at exit 2
    # below 0.8.
    confidence = np.array([[0.5, 0.4, 0.9], [0.3, 0.8, 0.1]])
    correct = np.array([[0, 0, 1], [0, 1, 0]], bool)
    found = cost_curve.curve(confidence, correct, costs=COSTS)
    np.testing.assert_allclose(found.thresholds, [0.3, 0.3, 0.5, 0.8])
    np.testing.assert_allclose(found.accuracy, [0, 0.5, 1, 0.5])
    np.testing.assert_allclose(found.cost, [10, 17.5, 42.5, 60])


def test_one_exit_is_one_point():
    found = cost_curve.curve(
        np.array([[0.5], [0.7]]), np.array([[True], [False]]), costs=[3]
    )
    assert found.at(0.9)["accuracy"] == 0.5
    np.testing.assert_array_equal(found.cost, [3])
    np.testing.assert_array_equal(found.shares, [[1]])


def test_ten_thousand_images_with_five_exits_stay_exact():
    confidence, correct, weights = random_case(10_000, 5, 1_000_000)
    costs = np.arange(1, 6)
    found = cost_curve.curve(confidence, correct, costs=costs, weights=weights)
    assert (found.shares >= 0).all()
    assert np.diff(found.cost).min() > -1e-12
    for s in (0.3, 0.9):
        expected = scores_at(s, confidence, correct, costs, weights)
        assert found.at(s)["accuracy"] == pytest.approx(expected["accuracy"])


def test_thin_keeps_points_evenly_spread_by_cost():
    confidence, correct, _ = random_case(2000, 3, 100_000)
    full = cost_curve.curve(confidence, correct, costs=COSTS)
    few = cost_curve.thin(full, 11)
    assert len(few.thresholds) == 11
    assert np.diff(few.cost) == pytest.approx(5, abs=0.1)
    for p, s in enumerate(few.thresholds):
        assert few.accuracy[p] == full.at(s)["accuracy"]
    assert few.thresholds[0] == full.thresholds[0]
    assert few.thresholds[-1] == full.thresholds[-1]
    json.dumps([few.at(s) for s in few.thresholds])


def test_thin_never_invents_points():
    confidence, correct, _ = random_case(5, 3, 4)
    full = cost_curve.curve(confidence, correct, costs=COSTS)
    many = cost_curve.thin(full, 500)
    np.testing.assert_array_equal(many.thresholds, full.thresholds)
    with pytest.raises(InputError, match="2 or more"):
        cost_curve.thin(full, 1)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"costs": [1, 2]}, "do not agree"),
        ({"costs": [1, 3, 2]}, "fall"),
        ({"correct": np.ones((4, 2), bool)}, "do not agree"),
        ({"confidence": np.full((4, 3), np.nan)}, "not finite"),
        ({"weights": np.ones(3)}, "one for each"),
        ({"weights": np.zeros(4)}, "positive sum"),
        ({"weights": np.array([1, 1, 1, -1])}, "none negative"),
    ],
)
def test_bad_input_is_refused(change, message):
    arguments = {
        "confidence": np.full((4, 3), 0.5),
        "correct": np.ones((4, 3), bool),
        "costs": [1, 2, 3],
    }
    with pytest.raises(InputError, match=message):
        cost_curve.curve(**{**arguments, **change})
