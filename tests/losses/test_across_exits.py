"""Losses of several exits together: values by hand, and who is taught."""

import math

import numpy as np
import pytest
import tensorflow as tf
from scipy import special

from elf_keras.errors import InputError
from elf_keras.losses import across_exits
from elf_keras.losses.exit_losses import cross_entropy, ldam
from elf_keras.losses.objective import CumulativeLoss

EXITS, CLASSES = 3, 4
WEIGHTS = np.array([0.25, 1.0, 3.0])
LABELS = np.array([0, 3, 1, 1, 2])


def made(exits=EXITS, seed=0):
    random = np.random.default_rng(seed)
    shape = len(LABELS), exits, CLASSES
    return random.normal(scale=2, size=shape).astype("float32")


def tiled(exits=EXITS):
    return np.tile(LABELS[:, None], (1, exits))


def outputs(scores):
    return {f"exit_{k + 1}": scores[:, k] for k in range(scores.shape[1])}


def nothing(scores, labels):
    """An exit loss of 0, for what is added to one."""
    return tf.zeros(labels.shape)


def probability_losses(scores):
    """-log softmax(z)_y in float64, `(batch, exits)`."""
    logs = special.log_softmax(scores.astype("float64"), axis=-1)
    return -np.take_along_axis(logs, tiled()[..., None], axis=-1)[..., 0]


@pytest.mark.parametrize("threshold", [0.6, math.inf])
def test_weights_in_the_objective_change_no_denominator(threshold):
    """Σ_i w Σ_k α_k active ℓ / Σ w: doubling all α doubles the loss."""
    values, class_weights = [], np.array([1.0, 2.0, 0.5, 3.0])
    for times in (1, 2):
        weighted = across_exits.weighted(cross_entropy, times * WEIGHTS)
        loss = CumulativeLoss(weighted, CLASSES, train_threshold=threshold)
        loss.class_weights.assign(class_weights)
        values.append(float(loss(LABELS, outputs(tf.constant(made())))))
    terms = loss.terms(LABELS, outputs(tf.constant(made())))
    weights = class_weights[LABELS]
    each = terms.active * WEIGHTS * probability_losses(made())
    expected = (weights[:, None] * each).numpy().sum() / weights.sum()
    assert values[0] == pytest.approx(expected, rel=1e-5)
    assert values[1] == pytest.approx(2 * expected, rel=1e-5)


def test_summed_by_hand():
    # z = (0, 0), (log 3, 0): sum (log 3, 0), p_0 = 3/4.
    scores = tf.constant([[[0.0, 0.0], [math.log(3), 0.0]]])
    loss = across_exits.summed(cross_entropy, np.ones(2))
    found = loss(scores, np.array([[0, 0]]))
    np.testing.assert_allclose(found, [[0, math.log(4 / 3)]], rtol=1e-6)


def test_every_exit_gets_the_gradient_of_the_sum_times_its_weight():
    scores = tf.Variable(made())
    loss = CumulativeLoss(across_exits.summed(cross_entropy, WEIGHTS), CLASSES)
    with tf.GradientTape() as tape:
        value = loss(LABELS, outputs(scores * 1))
    found = tape.gradient(value, scores).numpy()
    first = found[:, 0] / WEIGHTS[0]
    assert np.abs(first).max() > 0.01
    for k in range(EXITS):
        np.testing.assert_allclose(found[:, k], WEIGHTS[k] * first, atol=1e-6)


def test_a_mean_of_cosines_keeps_ldams_margins():
    # All exits alike: their mean is each of them.
    cosines = np.repeat(np.tanh(made(1)), EXITS, axis=1)
    margins = np.array([0.1, 0.2, 0.3, 0.5])

    def exit_loss(scores, labels):
        return ldam(scores, labels, margins=margins)

    loss = across_exits.summed(exit_loss, np.full(EXITS, 1 / EXITS))
    found = loss(cosines, tiled())
    expected = exit_loss(cosines, tiled())
    np.testing.assert_allclose(found[:, -1], expected[:, 0], rtol=1e-4)
    assert not np.any(found[:, :-1])


def test_distillation_by_hand():
    # T = 2. Teacher z/T = (log 3, 0): 3/4, 1/4; student even: KL =
    # 3/4 log 3/2 + 1/4 log 1/2; times λ T² = 0.5 * 4.
    scores = tf.constant([[[0.0, 0.0], [2 * math.log(3), 0.0]]])
    loss = across_exits.distilled(cross_entropy, weight=0.5, temperature=2.0)
    found = loss(scores, np.array([[1, 1]]))
    apart = 0.75 * math.log(1.5) + 0.25 * math.log(0.5)
    expected = [[math.log(2) + 2 * apart, math.log(10)]]
    np.testing.assert_allclose(found, expected, rtol=1e-5)


@pytest.mark.parametrize("scale", [1.0, 30.0])
def test_distillation_as_scipy_has_it(scale):
    cosines = np.tanh(made())
    loss = across_exits.distilled(
        nothing, weight=0.7, temperature=3.0, scale=scale
    )
    found = loss(tf.constant(cosines), tiled())
    shares = special.softmax(scale * cosines.astype("float64") / 3, axis=-1)
    apart = special.rel_entr(shares[:, -1:], shares).sum(-1)
    np.testing.assert_allclose(found, 0.7 * 9 * apart, rtol=1e-4, atol=1e-6)


def test_students_move_towards_the_teacher():
    """The gradient of T² KL by a student's scores is T (p_k - p_K).

    None reaches the teacher.
    """
    scores = tf.Variable(made())
    loss = across_exits.distilled(nothing, weight=1.0, temperature=2.0)
    with tf.GradientTape() as tape:
        value = tf.reduce_sum(loss(scores * 1, tiled()))
    found = tape.gradient(value, scores).numpy()
    assert not np.any(found[:, -1])
    shares = special.softmax(made() / 2, axis=-1)
    expected = 2 * (shares - shares[:, -1:])
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_who_has_left_is_not_taught():
    # Right and sure at exit 1: no gradient at exit 2, taught at exit 1.
    scores = np.zeros((1, EXITS, CLASSES), "float32")
    scores[0, 0, 2] = 9.0
    scores[0, 2, 1] = 5.0
    exits = tf.Variable(scores)
    taught = across_exits.distilled(cross_entropy, weight=1.0)
    loss = CumulativeLoss(taught, CLASSES, train_threshold=0.9)
    with tf.GradientTape() as tape:
        value = loss(np.array([2]), outputs(exits * 1))
    found = tape.gradient(value, exits).numpy()[0]
    assert np.abs(found[0]).max() > 0.1
    assert not np.any(found[1:])


def test_mixed_labels_are_taught_once():
    """By shares of two classes, too, the teacher's part is added whole."""
    shares = np.zeros((len(LABELS), CLASSES), "float32")
    shares[:, 0], shares[:, 1] = 0.7, 0.3
    terms = []
    for weight in (0.0, 1.0):
        taught = across_exits.distilled(cross_entropy, weight=weight)
        loss = CumulativeLoss(taught, CLASSES)
        terms.append(loss.terms(shares, outputs(tf.constant(made()))))
    parts = special.softmax(made().astype("float64"), axis=-1)
    apart = special.rel_entr(parts[:, -1:], parts).sum(-1)
    found = terms[1].exit_losses - terms[0].exit_losses
    np.testing.assert_allclose(found, apart, rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("values", [["1", "0.5", "2"], [1, 0.5, 2]])
def test_weights_as_they_are_written(values):
    found = across_exits.check_weights(values, 3)
    np.testing.assert_array_equal(found, [1.0, 0.5, 2.0])
    np.testing.assert_array_equal(across_exits.check_weights([], 3), np.ones(3))


@pytest.mark.parametrize(
    "values", ["1,1", "1,1,0", "1,x,1", "1,-1,1", "1,nan,1", "1,inf,1", "1,,1"]
)
def test_weights_that_are_none(values):
    with pytest.raises(InputError, match="number above 0 .* exits: 3"):
        across_exits.check_weights(values.split(","), 3)
