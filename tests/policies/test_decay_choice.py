"""Which decay of running sums suits logits, made so that it is known."""

import numpy as np
import pytest
from scipy import optimize, special, stats

from elf_keras.exits.answer_rule import AnswerRule
from elf_keras.policies import decay_choice

IMAGES, CLASSES = 300, 4
RULE = AnswerRule(answer="running", exit_rule="margin")


def made(noise, size=1.0):
    """Logits of an early exit, of so much noise and so large, and of the last.

    Independent noise: a sum of both knows more than either.
    """
    random = np.random.default_rng(0)
    labels = random.integers(CLASSES, size=IMAGES)
    right = np.eye(CLASSES)[labels]
    both = [
        factor * (right + spread * random.normal(size=right.shape))
        for factor, spread in ((size, noise), (1.0, 0.6))
    ]
    return np.stack(both, axis=1), labels


@pytest.mark.parametrize(
    ("noise", "size", "expected"),
    [
        # As good as the last exit: the largest that there is.
        (0.6, 1.0, 0.5),
        # Chance, and chance that is louder.
        (50.0, 0.2, 0.0),
        (50.0, 1.0, 0.0),
        # As good, and five times as loud.
        (0.6, 5.0, 0.25),
    ],
)
def test_as_much_as_early_exits_are_worth(noise, size, expected):
    logits, labels = made(noise, size)
    weights = np.full(IMAGES, 1 / IMAGES)
    parts = [logits[:100], logits[100:]]
    rule, told = decay_choice.choose(parts, labels, weights, RULE)
    assert rule.answer_decay == expected
    assert (rule.answer, rule.exit_rule) == ("running", "margin")
    assert told["decays"][int(np.argmin(told["losses"]))] == expected
    assert f"a decay of {expected:g}" in told["said"]


@pytest.mark.parametrize("scale", [1.0, 30.0])
def test_losses_are_those_of_a_search_by_another_library(scale):
    """Of sums by hand, weights that are no means, and cosines as well."""
    logits, labels = made(0.9, 2.0)
    weights = np.linspace(0.5, 2, IMAGES)
    rule = AnswerRule(scale, answer="running")
    cosines = (logits / scale).astype("float32")
    _, told = decay_choice.choose([cosines], labels, weights, rule)

    def likelihood(log, total):
        logs = special.log_softmax(total / np.exp(log), axis=-1)
        return -(weights @ logs[np.arange(IMAGES), labels]) / weights.sum()

    for decay, loss in zip(told["decays"], told["losses"], strict=True):
        total = decay * logits[:, 0] + logits[:, 1]
        best = optimize.minimize_scalar(
            likelihood, args=(total,), bounds=(-1.6, 3.0), method="bounded"
        )
        assert loss == pytest.approx(best.fun, rel=1e-4)


@pytest.mark.parametrize(
    ("start", "images", "expected"), [(0, 6, 0.0), (20, 8, 0.25), (0, 40, 0.5)]
)
def test_of_few_images_the_smallest_that_may_be_the_best(
    start, images, expected
):
    """All have 0.5 with the smallest loss; errors by another library."""
    logits, labels = made(0.6)
    rows = slice(start, start + images)
    logits, labels = logits[rows], labels[rows]
    weights = np.full(images, 1 / images)
    rule, told = decay_choice.choose([logits], labels, weights, RULE)
    assert rule.answer_decay == expected
    assert int(np.argmin(told["losses"])) == 3

    def each(log, total):
        logs = special.log_softmax(total / np.exp(log), axis=-1)
        return -logs[np.arange(images), labels]

    found = []
    for decay in told["decays"]:
        total = decay * logits[:, 0] + logits[:, 1]
        best = optimize.minimize_scalar(
            lambda log, z=total: each(log, z).mean(),
            bounds=np.log([0.2, 20]),
            method="bounded",
        )
        found.append(each(best.x, total))
    behind = np.array(found) - found[3]
    # Of the mean of a sample, with N in place of N - 1.
    errors = stats.sem(behind, axis=1, ddof=0)
    np.testing.assert_allclose(told["errors"], errors, rtol=0.01, atol=1e-4)
    near = behind.mean(axis=1) <= errors
    assert told["decays"][int(near.argmax())] == expected


def test_without_an_error_the_surest_sum_is_taken():
    """As of some ten images, of which the last exit knows all."""
    labels = np.arange(CLASSES)
    last = 5 * np.eye(CLASSES)
    early = np.roll(last, 1, axis=0)
    parts = [np.stack([0.5 * early, last], axis=1)]
    rule, told = decay_choice.choose(parts, labels, np.ones(CLASSES), RULE)
    assert rule.answer_decay == 0
    assert np.isfinite(told["losses"]).all()
