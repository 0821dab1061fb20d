"""Thresholds of their own, judged by images that did not choose them."""

import numpy as np
import pytest

from elf_keras.data import long_tail
from elf_keras.evaluation.answers import Answers
from elf_keras.evaluation.scorer import Scorer
from elf_keras.exits.thresholds import ExitThresholds
from elf_keras.models import multiply_adds
from elf_keras.policies import candidates, held_out, policy_rules, selection

MACS = np.array([20, 60, 110])
PLAN = policy_rules.PolicyPlan(policy_rules.rules(["0.7"], policy_rules.KINDS))


def scorer(classes):
    counts = np.full(classes, 100)
    return Scorer(
        classes=classes,
        shot_groups=long_tail.shot_groups(counts),
        costs=multiply_adds.ExitCosts(MACS, MACS, 110),
        thresholds=ExitThresholds.shared(0.5, len(MACS)),
    )


def answers(certainty, correct, labels):
    classes = np.where(correct, labels[:, None], labels[:, None] + 1)
    sure = np.asarray(certainty, "float32")
    return Answers(labels, classes, sure, sure, classes[:, -1])


@pytest.mark.parametrize("images", [2, 3, 12])
def test_a_gain_by_hand(images):
    """Exit 1 is sure and wrong, exit 2 less sure and right.

    One threshold for all reaches a right answer at exit 3 only. Of 20 budgets
    from 20 to 110, a step of 4.74 apart, ten are at least 60 and below 110.
    """
    labels = np.zeros(images, int)
    found = answers(
        [[0.9, 0.6, 0.9]] * images, [[False, True, True]] * images, labels
    )
    gain = held_out.gain(found, scorer(1), seed=0)
    assert gain.points == pytest.approx(0.5)
    assert gain.error == pytest.approx(0, abs=1e-12)
    assert gain.sure


def noise(images):
    """Exits that are right by chance, as sure when they are wrong."""
    random = np.random.default_rng(0)
    shape, labels = (images, 3), np.arange(images) % 4
    return answers(random.random(shape), random.random(shape) < 0.7, labels)


def test_what_luck_chose_is_not_believed():
    found, asked = noise(40), scorer(4)
    shared = candidates.shared(asked.curve(found))
    own = candidates.per_exit(
        found.certainty,
        found.correct,
        costs=MACS,
        weights=asked.weights(found.labels),
        start=shared,
    )
    assert own.accuracy.max() > shared.accuracy.max() + 0.02
    assert not held_out.gain(found, asked, seed=0).sure
    chosen, _ = selection.choose(found, asked, PLAN)
    for name in ("accurate", "macs_70"):
        limits = chosen[f"{name}_per_exit"].thresholds.to_json()
        assert limits == chosen[name].thresholds.to_json()
        assert len(set(limits)) == 1


def test_the_same_seed_gives_the_same_gain():
    first, again, other = (
        held_out.gain(noise(40), scorer(4), seed) for seed in (0, 0, 1)
    )
    assert first == again != other


def test_an_image_alone_says_nothing():
    found = answers([[0.9, 0.6, 0.9]], [[False, True, True]], np.zeros(1, int))
    assert held_out.gain(found, scorer(1), seed=0) == held_out.Gain(0, 0)
    assert not held_out.Gain(0, 0).sure


def test_nobody_asks_and_nothing_is_compared():
    rules = policy_rules.rules(["0.7"], (policy_rules.SHARED,))
    plan = policy_rules.PolicyPlan(rules)
    offers = selection.offered(noise(12), scorer(4), plan)
    assert offers.gain is None
    assert set(offers.kinds) == {policy_rules.SHARED}
