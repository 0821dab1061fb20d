import numpy as np
import pytest

from elf_keras.errors import InputError
from elf_keras.evaluation import cost_curve
from elf_keras.exits import exit_rule

COSTS = np.array([10.0, 25.0, 60.0])


def random_case(images, levels, dtype=np.float32, exits=3):
    """Confidences with many ties when there are few levels."""
    random = np.random.RandomState(images + levels)
    steps = np.linspace(0.1, 1.0, levels).astype(dtype)
    confidence = random.choice(steps, (images, exits))
    correct = random.rand(images, exits) < 0.6
    return confidence, correct, random.rand(images)


def curve_of(case, costs=COSTS):
    confidence, correct, weights = case
    return cost_curve.curve(confidence, correct, costs=costs, weights=weights)


def assert_scores(found, threshold, case, costs=COSTS):
    """The point that holds at s against a loop over the examples."""
    confidence, correct, weights = case
    after = np.searchsorted(found.thresholds, threshold, side="right")
    point = max(after - 1, 0)
    shares, accuracy, cost = np.zeros(len(costs)), 0.0, 0.0
    taken = exit_rule.exit_taken(confidence > threshold)
    for i, k in enumerate(taken):
        weight = weights[i] / weights.sum()
        shares[k] += weight
        accuracy += weight * correct[i, k]
        cost += weight * costs[k]
    assert found.accuracy[point] == pytest.approx(accuracy)
    assert found.cost[point] == pytest.approx(cost)
    np.testing.assert_allclose(found.shares[point], shares, atol=1e-12)


@pytest.mark.parametrize("levels", [1, 2, 5, 50, 1000])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_points_and_all_between_agree_with_a_loop_over_examples(levels, dtype):
    case = random_case(40, levels, dtype)
    found = curve_of(case)
    assert found.thresholds.dtype == dtype
    assert (np.diff(found.thresholds) > 0).all()
    assert found.shares.shape == (len(found.thresholds), 3)
    between = np.linspace(0, 1, 101, dtype=dtype)
    for s in (*found.thresholds, *between, dtype(-1), dtype(2)):
        assert_scores(found, s, case)


def test_the_ends_are_all_at_exit_1_and_all_at_the_last():
    confidence, correct, _ = random_case(50, 7)
    found = cost_curve.curve(confidence, correct, costs=COSTS)
    ends = np.eye(3)[[0, 2]]
    np.testing.assert_allclose(found.shares[[0, -1]], ends, atol=1e-12)
    np.testing.assert_allclose(found.cost[[0, -1]], [10, 60])
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
    for values, expected in zip(
        (found.accuracy, found.cost, found.shares), (0.5, 3, 1), strict=True
    ):
        assert values.ravel().tolist() == [expected]


def test_ten_thousand_images_with_five_exits_stay_exact():
    case, costs = random_case(10_000, 1_000_000, exits=5), np.arange(1, 6)
    found = curve_of(case, costs)
    assert (found.shares >= 0).all()
    assert np.diff(found.cost).min() > -1e-12
    for s in (np.float32(0.3), np.float32(0.9)):
        assert_scores(found, s, case, costs)


def test_thin_keeps_points_evenly_spread_by_cost():
    full = curve_of(random_case(2000, 100_000))
    few = cost_curve.thin(full, 11)
    assert len(few.thresholds) == 11
    assert np.diff(few.cost) == pytest.approx(5, abs=0.1)
    kept = np.searchsorted(full.thresholds, few.thresholds)
    assert (kept[0], kept[-1]) == (0, len(full.thresholds) - 1)
    for name, values in vars(few).items():
        np.testing.assert_array_equal(values, getattr(full, name)[kept])


def test_thin_never_invents_points():
    full = curve_of(random_case(5, 4))
    many = cost_curve.thin(full, 500)
    np.testing.assert_array_equal(many.thresholds, full.thresholds)


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
