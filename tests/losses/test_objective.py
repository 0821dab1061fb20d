import math

import by_hand
import numpy as np
import pytest
import tensorflow as tf

from elf_keras.choices import NORMALIZATIONS
from elf_keras.errors import InputError
from elf_keras.losses.exit_losses import cross_entropy
from elf_keras.losses.objective import CumulativeLoss

EXAMPLES, EXITS, CLASSES = 40, 3, 4
CLASS_WEIGHTS = [0.25, 0.5, 1.25, 2.0]
NEVER = math.inf


def named(scores):
    scores = tf.cast(scores, "float32")
    return {f"exit_{k + 1}": scores[:, k] for k in range(scores.shape[1])}


def objective(threshold=NEVER, normalization="class_weights", weights=None):
    result = CumulativeLoss(
        cross_entropy,
        len(weights or CLASS_WEIGHTS),
        train_threshold=threshold,
        normalization=normalization,
    )
    if weights:
        result.class_weights.assign(weights)
    return result


@pytest.fixture
def batch():
    random = np.random.default_rng(3)
    scores = random.normal(scale=2, size=(EXAMPLES, EXITS, CLASSES))
    labels = random.integers(CLASSES, size=EXAMPLES)
    sample_weights = random.choice([0.0, 0.5, 1.0, 3.0], size=EXAMPLES)
    return scores.astype("float32"), labels, sample_weights


@pytest.mark.parametrize("normalization", NORMALIZATIONS)
@pytest.mark.parametrize("threshold", [0.5, 0.9, NEVER])
@pytest.mark.parametrize(
    ("examples", "class_weights"), [(EXAMPLES, CLASS_WEIGHTS), (7, None)]
)
def test_against_a_loop(
    batch, normalization, threshold, examples, class_weights
):
    """Before classes are weighted, all weigh one."""
    scores, labels, sample_weights = (part[:examples] for part in batch)
    weights = [(class_weights or [1] * CLASSES)[label] for label in labels]
    expected = by_hand.cumulative_loss(
        scores.tolist(),
        labels.tolist(),
        list(zip(weights, sample_weights.tolist(), strict=True)),
        threshold,
        normalization,
    )
    loss = objective(threshold, normalization, class_weights)
    found = loss(labels, named(scores), sample_weights)
    assert float(found) == pytest.approx(expected, rel=1e-5)


def test_leaving_early_lowers_an_examples_share():
    # Both examples lose log 2 at each exit; with t = 0.4 the first, right
    # with 1/2, leaves at once: (1 + 2) log 2 / 2; the second is wrong.
    scores = np.zeros((2, 2, 2))
    found = objective(0.4, weights=[1, 1])([0, 1], named(scores))
    assert float(found) == pytest.approx(1.5 * math.log(2), rel=1e-6)


def test_gradient_is_zero_after_the_exit_taken(batch):
    scores, labels, _ = batch
    exits = {name: tf.Variable(score) for name, score in named(scores).items()}
    loss = objective(0.5, weights=CLASS_WEIGHTS)
    with tf.GradientTape() as tape:
        value = loss(labels, {name: score * 1 for name, score in exits.items()})
    gradients = tape.gradient(value, exits)
    taken = [
        by_hand.exit_taken(example, label, 0.5)
        for example, label in zip(scores.tolist(), labels, strict=True)
    ]
    assert set(taken) == {0, 1, 2}
    for k in range(EXITS):
        touched = np.any(gradients[f"exit_{k + 1}"].numpy() != 0, axis=1)
        assert touched.tolist() == [k <= last for last in taken]


def test_gradient_of_a_score_by_hand():
    # (p - onehot(y)) w / Σ w = ((1/2) - 1) * 3 / (3 + 1).
    score = tf.Variable(np.zeros((2, 2)), dtype="float32")
    loss = objective(weights=[3, 1])
    with tf.GradientTape() as tape:
        value = loss([0, 1], {"exit_1": score * 1})
    expected = [[-0.375, 0.375], [0.125, -0.125]]
    np.testing.assert_allclose(tape.gradient(value, score), expected)


def test_losses_increase_with_the_exit_taken():
    # Right with p = 0.9 from exit 1, 2 or 3 on, before that wrong with 0.9.
    sure = math.log(9)
    scores = [
        [[sure, 0] if k >= first else [0, sure] for k in range(3)]
        for first in range(3)
    ]
    terms = objective(0.8).terms(np.zeros(3, int), named(np.array(scores)))
    assert terms.active.numpy().tolist() == [[1, 0, 0], [1, 1, 0], [1, 1, 1]]
    cumulated = np.sum(terms.active * terms.exit_losses, axis=1)
    right, wrong = -math.log(0.9), -math.log(0.1)
    expected = [right, wrong + right, 2 * wrong + right]
    np.testing.assert_allclose(cumulated, expected, rtol=1e-5)


@pytest.mark.parametrize("normalization", NORMALIZATIONS)
def test_shares_of_one_class_are_plain_labels(batch, normalization):
    scores, labels, sample_weights = batch
    loss = objective(0.5, normalization, CLASS_WEIGHTS)
    for kind in (np.float32, np.int32):
        shares = np.eye(CLASSES, dtype=kind)[labels]
        found = loss(shares, named(scores), sample_weights)
        expected = loss(labels, named(scores), sample_weights)
        assert float(found) == pytest.approx(float(expected), rel=1e-6)


def test_a_half_mix_by_hand():
    # p = (3/4, 1/8, 1/8); halves of class 0 and 1, each with its class' own
    # weight: (1 log 4/3 + 3 log 8)/2, of weight (1 + 3)/2 = 2. Beside it one
    # plain image of class 2, weight 5.
    scores = np.array([[[math.log(6), 0, 0]]] * 2)
    shares = np.array([[0.5, 0.5, 0], [0, 0, 1]], "float32")
    mixed = (1 * math.log(4 / 3) + 3 * math.log(8)) / 2
    expected = (mixed + 5 * math.log(8)) / 7
    found = objective(weights=[1, 3, 5])(shares, named(scores))
    assert float(found) == pytest.approx(expected, rel=1e-6)


def test_a_rare_class_does_not_lift_the_one_it_is_mixed_with():
    """With weights (0.1, 10) a half-half image pulls towards class 1."""
    scores = tf.Variable(np.zeros((1, 1, 2), "float32"))
    loss = objective(weights=[0.1, 10])
    with tf.GradientTape() as tape:
        value = loss(np.full((1, 2), 0.5, "float32"), named(scores))
    # -(0.05 - 0.5 * 5.05, 5 - 0.5 * 5.05) / 5.05, by softmax minus label.
    gradient = tape.gradient(value, scores)[0, 0]
    np.testing.assert_allclose(gradient, [2.475 / 5.05, -2.475 / 5.05], 1e-5)


@pytest.mark.parametrize("share", [0.3, 0.7])
def test_the_larger_share_is_the_label(share):
    # Class 0 is predicted with 0.9 at both exits: who holds it leaves.
    scores = np.array([[[math.log(9), 0]] * 2])
    shares = np.array([[share, 1 - share]], "float32")
    terms = objective(0.8, weights=[1, 3]).terms(shares, named(scores))
    assert terms.active.numpy().tolist() == [[1, float(share < 0.5)]]
    assert terms.correct.numpy().tolist() == [[float(share > 0.5)] * 2]
    weight = share * 1 + (1 - share) * 3
    expected = -share * math.log(0.9) - 3 * (1 - share) * math.log(0.1)
    np.testing.assert_allclose(
        terms.exit_losses, [[expected / weight] * 2], rtol=1e-5
    )
    np.testing.assert_allclose(terms.example_weights, [weight], rtol=1e-6)


@pytest.mark.parametrize("normalization", NORMALIZATIONS)
def test_nothing_to_count_is_a_zero_with_zero_gradient(normalization, batch):
    scores, labels, _ = batch
    exits = tf.Variable(scores)
    loss = objective(0.5, normalization)
    with tf.GradientTape() as tape:
        value = loss(labels, named(exits), np.zeros(EXAMPLES))
    assert float(value) == 0
    assert not np.any(tape.gradient(value, exits))


def test_an_unknown_normalization_is_refused_with_the_choices():
    with pytest.raises(InputError, match=r"'mean'.*'class_weights'"):
        objective(normalization="mean")
