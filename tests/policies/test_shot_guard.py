"""Bounds on losses of shot groups where they are known, or must be wide."""

import numpy as np
import pytest

from elf_keras.evaluation.answers import Answers
from elf_keras.policies import policy_rules, shot_guard

LEAVE, STAY = [0.5], [np.inf]


def made(*classes):
    """Classes as (images, lost early); everyone is sure at exit 1."""
    labels = np.repeat(np.arange(len(classes)), [size for size, _ in classes])
    first = np.concatenate([np.arange(size) >= lost for size, lost in classes])
    correct = np.stack([first, np.ones(len(labels), bool)], axis=1)
    predicted = np.where(correct, labels[:, None], -1)
    sure = np.full(predicted.shape, 0.9, "float32")
    order = np.random.default_rng(0).permutation(len(labels))
    return Answers(
        labels[order], predicted[order], sure, sure, predicted[order, -1]
    )


def losses(found, groups, **options):
    masks = {name: np.array(mask) for name, mask in groups.items()}
    limits, guard = np.array([LEAVE, STAY]), policy_rules.Guard(**options)
    return shot_guard.losses(found, limits, masks, guard)


ALL = {"few": [True, True]}


def test_the_loss_is_the_mean_over_classes():
    found = losses(made((10, 5), (40, 4)), ALL)
    np.testing.assert_allclose(found.mean[0], [(0.5 + 0.1) / 2, 0], atol=1e-7)


def test_where_nobody_leaves_nothing_is_lost_for_sure():
    found = losses(made((1, 1), (1, 0)), ALL)
    assert found.bound[0, 1] == 0
    assert found.keeps(0.0).tolist() == [False, True]


def test_with_many_images_the_bound_is_that_of_a_normal_mean():
    images, lost = 5_000, 500
    found = losses(
        made((images, lost)), {"many": [True]}, confidence=0.95, resamples=2000
    )
    error = np.sqrt(0.1 * 0.9 / images)
    excess = found.bound[0, 0] - 0.1
    assert excess == pytest.approx(1.645 * error, rel=0.1)


def test_few_images_without_a_loss_are_no_proof():
    few, more = (
        losses(made((images, 0), (images, 0)), ALL).bound[0, 0]
        for images in (1, 50)
    )
    assert few > 0.15
    assert 0 < more < 0.02


def test_no_group_can_lose_more_than_all():
    """One image, lost for sure: mean + c deviations would be beyond."""
    groups = {"many": [True, False], "few": [False, True]}
    found = losses(made((50, 0), (1, 1)), groups, confidence=0.999)
    assert found.bound[1, 0] == 1
    assert found.keeps(1.0).all()


def test_an_unseen_image_counts_by_who_leaves_early():
    found = made((5, 0), (5, 0))
    sure = found.certainty.copy()
    sure[2:, 0] = 0.1
    some = Answers(found.labels, found.classes, sure, sure, found.mean_classes)
    whole, part = (losses(each, ALL).bound[0, 0] for each in (found, some))
    early = np.mean([(sure[found.labels == c, 0] > 0.5).mean() for c in (0, 1)])
    assert part == pytest.approx(early * whole)


def test_the_unseen_image_of_a_class_leaves_as_its_class_does():
    """Two images leave, of the one class that has no more than these.

    By hand: of a class of n, the unseen image has a weight of halves lost and
    gained with the variance 2 · 0.5 (n + 1) / ((n + 1)^2 (n + 2)), a Dirichlet
    distribution of 0.5, 0.5 and n. Here it leaves with a chance of (2 + 0.2) /
    3, as one class in five leaves in the mean.
    """
    found = made((2, 0), *[(20, 0)] * 4)
    sure = np.where(found.labels[:, None] == 0, 0.9, 0.1).astype("float32")
    sure = np.repeat(sure, 2, axis=1)
    first = Answers(found.labels, found.classes, sure, sure, found.mean_classes)
    bound = losses(first, {"few": [True] * 5}, resamples=4000).bound[0, 0]
    deviation = np.sqrt(2 * 0.5 * 3 / (3**2 * 4)) * (2.2 / 3) / 5
    # 90 % of a distribution that is near a normal one.
    assert bound == pytest.approx(1.28 * deviation, rel=0.15)


def test_groups_are_bounded_each_and_empty_ones_left_out():
    groups = {
        "many": [True, False, False],
        "few": [False, True, False],
        "none": [False, False, True],
    }
    found = losses(made((50, 0), (5, 1)), groups)
    assert found.groups == ("many", "few")
    assert found.bound[1, 0] > 0.2 > found.bound[0, 0]
    assert found.of(0)["few"]["loss"] == pytest.approx(0.2)
    for seed in (0, 1):
        again = losses(made((50, 0), (5, 1)), groups, seed=seed).bound
        assert (again.tolist() == found.bound.tolist()) is (seed == 0)
