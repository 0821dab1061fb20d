"""Mean loss by exit taken, against loops."""

import math

import by_hand
import numpy as np
import pytest
from made_scores import (
    CLASSES,
    COUNTS,
    EXITS,
    LABELS,
    SCORES,
    mean,
)

from elf_keras import losses
from elf_keras.evaluation import loss_by_exit
from elf_keras.losses.objective import CumulativeLoss


def objective(threshold, weights=None):
    made = CumulativeLoss(
        losses.exit_loss("ce", COUNTS), CLASSES, train_threshold=threshold
    )
    if weights is not None:
        made.class_weights.assign(weights)
    return made


@pytest.mark.parametrize("weights", [None, [0.1, 1.0, 2.0, 5.0]])
def test_loss_by_exit_is_the_cumulated_loss_unweighted(weights):
    found = loss_by_exit.of_parts([SCORES], LABELS, objective(0.5, weights))
    sums = {number: [] for number in range(EXITS)}
    for image, label in zip(SCORES.tolist(), LABELS, strict=True):
        number = by_hand.exit_taken(image, label, 0.5)
        parts = [
            by_hand.cross_entropy(image[k], label) for k in range(number + 1)
        ]
        sums[number].append(sum(parts))
    expected = [mean(sums[number]) for number in range(EXITS)]
    np.testing.assert_allclose(found["loss"], expected, rtol=1e-5)
    np.testing.assert_allclose(
        found["shares"], [len(sums[k]) / 80 for k in range(EXITS)]
    )
    assert found["increasing"] is (expected == sorted(expected))


def test_loss_by_exit_in_parts_is_that_of_the_whole():
    repeats = 60
    many, labels = np.tile(SCORES, (repeats, 1, 1)), np.tile(LABELS, repeats)
    assert len(labels) > 4096
    once = loss_by_exit.of_parts([SCORES], LABELS, objective(0.5))
    found = loss_by_exit.of_parts(
        np.array_split(many, 3), labels, objective(0.5)
    )
    np.testing.assert_allclose(found["loss"], once["loss"], rtol=1e-5)
    np.testing.assert_allclose(found["shares"], once["shares"], rtol=1e-12)


def test_increasing_looks_at_the_exits_that_are_taken():
    """Two images: one leaves at exit 1, one at 3; nobody at exit 2."""
    scores = np.zeros((2, EXITS, CLASSES), "float32")
    scores[0, 0, 0] = 9.0
    scores[1, 0, 2] = 0.5
    found = loss_by_exit.of_parts([scores], np.array([0, 1]), objective(0.9))
    assert np.isnan(found["loss"][1])
    assert found["shares"].tolist() == [0.5, 0.0, 0.5]
    assert found["increasing"] is True


def test_losses_that_fall_are_said_to():
    scores = np.zeros((2, EXITS, CLASSES), "float32")
    # Leaves at exit 1 with a loss of 0.43, at exit 2 with 0.1 altogether.
    scores[0, :, 0] = math.log(3 * 0.65 / 0.35)
    scores[1, 0, 1] = scores[1, 0, 0] = 8.0
    scores[1, 1, 1] = 30.0
    labels = np.array([0, 1])
    fair = loss_by_exit.of_parts([scores], labels, objective(0.6))
    assert fair["increasing"] is True
    scores[1, 0, 0] = 8.001
    scores[0, :, 0] = 0.0
    falling = loss_by_exit.of_parts([scores], labels, objective(0.2))
    assert falling["loss"][0] == pytest.approx(math.log(4))
    assert falling["loss"][1] == pytest.approx(math.log(2), abs=0.01)
    assert falling["increasing"] is False
