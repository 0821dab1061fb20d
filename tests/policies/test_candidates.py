"""Candidates against scores image by image, and against all thresholds."""

import itertools

import numpy as np
import pytest

from elf_keras.evaluation import cost_curve
from elf_keras.exits import exit_rule
from elf_keras.policies import candidates

COSTS = np.array([10.0, 25.0, 60.0])


def case(images, seed=0):
    random = np.random.default_rng(seed)
    confidence = random.random((images, 3)).astype("float32")
    correct = random.random((images, 3)) < 0.3 + 0.5 * confidence
    weights = random.random(images)
    return confidence, correct, weights / weights.sum()


def found(images, seed=0):
    confidence, correct, weights = case(images, seed)
    curve = cost_curve.curve(confidence, correct, costs=COSTS, weights=weights)
    shared = candidates.shared(curve)
    own = candidates.per_exit(
        confidence, correct, costs=COSTS, weights=weights, start=shared
    )
    return curve, shared, own


def best_within(offers, budget):
    fits = offers.cost(COSTS) <= budget + 1e-9
    return offers.accuracy[fits].max()


@pytest.mark.parametrize("kind", [1, 2])
def test_what_a_candidate_gives_is_what_its_thresholds_give(kind):
    confidence, correct, weights = case(40)
    offers = found(40)[kind]
    for row in range(0, len(offers.accuracy), 3):
        accuracy, shares = 0.0, np.zeros(3)
        for image in range(40):
            limits = offers.limits[row].astype("float32")
            above = (confidence[image, :2] > limits).tolist()
            taken = (above + [True]).index(True)
            accuracy += weights[image] * correct[image, taken]
            shares[taken] += weights[image]
        assert offers.accuracy[row] == pytest.approx(accuracy)
        np.testing.assert_allclose(offers.shares[row], shares, atol=1e-12)


@pytest.mark.parametrize("seed", range(4))
def test_thresholds_of_their_own_are_never_worse(seed):
    curve, shared, own = found(60, seed)
    better = 0
    for budget in np.linspace(10, 60, 40):
        exact = curve.accuracy[curve.cost <= budget + 1e-9].max()
        assert best_within(shared, budget) == pytest.approx(exact)
        assert best_within(own, budget) >= exact - 1e-9
        better += best_within(own, budget) > exact + 1e-6
    assert better > 10
    assert (np.diff(own.cost(COSTS)) > -1e-9).all()


@pytest.mark.parametrize("seed", range(3))
def test_ascent_comes_near_the_best_of_all_threshold_vectors(seed):
    confidence, correct, weights = case(14, seed)
    own = found(14, seed)[2]
    levels = [np.append(-1, confidence[:, k]) for k in (0, 1)]
    all_vectors, rows = [], np.arange(14)
    for first, second in itertools.product(*levels):
        taken = exit_rule.exit_taken(confidence > [first, second, 2.0])
        all_vectors.append(
            (weights @ COSTS[taken], weights @ correct[rows, taken])
        )
    cost, accuracy = np.array(all_vectors).T
    gaps = [
        accuracy[cost <= budget + 1e-9].max() - best_within(own, budget)
        for budget in np.linspace(10, 60, 25)
    ]
    assert min(gaps) > -1e-9
    assert np.mean(gaps) < 0.02


def test_shared_candidates_end_where_nobody_leaves():
    _, shared, _ = found(30)
    assert np.isinf(shared.limits[-1]).all()
    np.testing.assert_allclose(shared.shares[-1], [0, 0, 1], atol=1e-12)
    assert (shared.limits[0] > 0).all()
    np.testing.assert_allclose(shared.shares[0], [1, 0, 0], atol=1e-12)


def test_neighbours_in_float32_are_told_apart():
    low = np.float32(0.5)
    high = np.nextafter(low, np.float32(1))
    limits = cost_curve.between(np.array([low, high]))
    for limit, leaves in zip(limits, [2, 1, 0], strict=True):
        above = np.array([low, high]) > np.float32(limit)
        assert above.sum() == leaves
