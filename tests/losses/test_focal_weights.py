"""Focal loss with class weights: outside of it, and inside as elsewhere."""

import math

import command_runs
import numpy as np
import pytest
import tensorflow as tf
import tiny

from elf_keras import losses
from elf_keras.cli import model_from_flags
from elf_keras.errors import InputError
from elf_keras.losses.objective import CumulativeLoss, unit_weights

# p_y = 1/2 and 1/4, of weights 2 and 1/2.
LOGITS = np.log([[[0.5, 0.5]], [[0.75, 0.25]]]).astype("float32")
LABELS = np.array([0, 1])
WEIGHTS = [2.0, 0.5]
LOG2 = math.log(2)
# γ = 2. Outside: 2 (1/2)² log 2 and 1/2 (3/4)² log 4. Inside, with p^w = 1/4
# and 1/2: 2 (3/4)² log 2 and 1/2 (1/2)² log 4.
OUTSIDE = [LOG2 / 2, 9 / 16 * LOG2]
INSIDE = [9 / 8 * LOG2, LOG2 / 4]


def objective(inside, normalization):
    weights = unit_weights(2)
    loss = losses.exit_loss(
        "focal",
        [3, 1],
        gamma=2.0,
        class_weights_inside=weights if inside else None,
    )
    found = CumulativeLoss(
        loss, 2, normalization=normalization, weights=weights
    )
    found.class_weights.assign(WEIGHTS)
    return found


@pytest.mark.parametrize(
    ("inside", "normalization", "expected"),
    [
        (False, "class_weights", sum(OUTSIDE) / 2.5),
        (False, "batch_size", sum(OUTSIDE) / 2),
        (True, "class_weights", sum(INSIDE) / 2.5),
        # As the code of LDAM-DRW: the mean over the images.
        (True, "batch_size", sum(INSIDE) / 2),
    ],
)
def test_by_hand(inside, normalization, expected):
    loss = objective(inside, normalization)
    found = loss(LABELS, {"exit_1": tf.constant(LOGITS[:, 0])})
    assert float(found) == pytest.approx(expected, rel=1e-6)


def test_before_classes_are_weighted_both_are_one():
    outputs = {"exit_1": tf.constant(LOGITS[:, 0])}
    found = []
    for inside in (False, True):
        loss = objective(inside, "batch_size")
        loss.class_weights.assign([1.0, 1.0])
        found.append(float(loss(LABELS, outputs)))
    assert found[0] == found[1]


def test_no_other_loss_looks_at_class_weights():
    with pytest.raises(InputError, match="'ce' takes no class weights inside"):
        losses.exit_loss("ce", [3, 1], class_weights_inside=unit_weights(2))


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ([], sum(OUTSIDE) / 2.5),
        (["--focal_weights=outside"], sum(OUTSIDE) / 2.5),
        (["--focal_weights=inside"], sum(INSIDE) / 2.5),
        (
            ["--focal_weights=inside", "--loss_normalization=batch_size"],
            sum(INSIDE) / 2,
        ),
    ],
)
def test_the_flag(words, expected):
    """The third class weighs nothing in any of it."""
    given = ("--exit_loss=focal", "--focal_gamma=2", "--method=sum")
    with command_runs.fresh_flags(*given, *words):
        model = model_from_flags.compiled(tiny.model(), tiny.data())
    model.objective.class_weights.assign([*WEIGHTS, 1.0])
    logits = np.pad(LOGITS[:, 0], [(0, 0), (0, 1)], constant_values=-99)
    outputs = {f"exit_{k}": tf.constant(logits) for k in (1, 2)}
    found = float(model.objective(LABELS, outputs))
    assert found == pytest.approx(2 * expected, rel=1e-6)
