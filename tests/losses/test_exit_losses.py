import math

import by_hand
import numpy as np
import pytest
import tensorflow as tf

from elf_keras import losses
from elf_keras.choices import EXIT_LOSSES
from elf_keras.errors import InputError
from elf_keras.losses import exit_losses

COUNTS = [81, 16, 9, 1]


def by_loop(name, scores, label):
    # Counts stand in for priors: softmax does not see the factor between.
    if name == "focal":
        miss = 1 - by_hand.softmax(scores)[label]
        return miss**0.5 * by_hand.cross_entropy(scores, label)
    adjusted = []
    for c, (score, count) in enumerate(zip(scores, COUNTS, strict=True)):
        margin = 0.5 * (min(COUNTS) / count) ** 0.25 if c == label else 0.0
        adjusted.append(
            {
                "ce": score,
                "ldam": 30 * (score - margin),
                "balanced_softmax": score + math.log(count),
                "la": score + math.log(count),
                "vs": (count / max(COUNTS)) ** 0.15 * score + math.log(count),
            }[name]
        )
    return by_hand.cross_entropy(adjusted, label)


@pytest.fixture(params=EXIT_LOSSES)
def name(request):
    return request.param


@pytest.fixture
def batch():
    random = np.random.default_rng(1)
    scores = random.uniform(-1, 1, size=(6, 3, 4)).astype("float32")
    return scores, random.integers(4, size=(6, 3))


def test_every_loss_against_a_loop_for_any_leading_axes(name, batch):
    scores, labels = batch
    loss = losses.exit_loss(name, COUNTS)
    found = loss(tf.constant(scores), tf.constant(labels))
    assert found.shape == (6, 3)
    for index in np.ndindex(6, 3):
        expected = by_loop(name, scores[index].tolist(), labels[index])
        alone = loss(tf.constant(scores[index]), tf.constant(labels[index]))
        assert alone.shape == ()
        assert float(alone) == pytest.approx(expected, rel=2e-5, abs=1e-6)
        assert float(alone) == pytest.approx(float(found[index]))


@pytest.mark.parametrize("size", [0.0, 1.0, 16.0, 17.0, 30.0, 1e4])
def test_gradients_are_finite_for_certain_and_hopeless_scores(name, size):
    scores = tf.Variable([[size, 0, 0, -size], [-size, 0, 0, size]])
    with tf.GradientTape() as tape:
        found = losses.exit_loss(name, COUNTS)(scores, tf.constant([0, 0]))
    assert np.isfinite(found).all()
    assert np.isfinite(tape.gradient(found, scores)).all()
    assert found[1] >= found[0]


def test_half_precision_scores_give_float32_losses(name, batch):
    scores, labels = batch
    loss = losses.exit_loss(name, COUNTS)
    half = tf.cast(scores, tf.bfloat16)
    found = loss(half, labels)
    assert found.dtype == tf.float32
    np.testing.assert_array_equal(
        found, loss(tf.cast(half, tf.float32), labels)
    )
    # Scores rounded by 2^-9 at most, times LDAM's scale 30, twice.
    np.testing.assert_allclose(found, loss(scores, labels), atol=0.12)


def test_the_order_of_classes_does_not_matter(name, batch):
    scores, labels = batch
    order = np.array([2, 0, 3, 1])
    places = np.argsort(order)
    expected = losses.exit_loss(name, COUNTS)(scores, labels)
    permuted = losses.exit_loss(name, np.array(COUNTS)[order])
    found = permuted(scores[..., order].astype("float64"), places[labels])
    assert found.dtype == tf.float64
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-6)


QUARTER, LOG3 = math.log(4 / 3), math.log(3)  # -log 0.75
ONE_LESS = {"scale": 32, "margin_power": -1}


@pytest.mark.parametrize(
    ("name", "counts", "options", "scores", "label", "expected"),
    [
        # e^z = (1, 3): p = 3/4.
        ("ce", [1, 1], {}, [0, LOG3], 1, QUARTER),
        # sqrt(1 - 3/4) = 1/2.
        ("focal", [1, 1], {}, [0, LOG3], 1, QUARTER / 2),
        # (1/4)^2 = 1/16.
        ("focal", [1, 1], {"gamma": 2}, [0, LOG3], 1, QUARTER / 16),
        # Margins (1/4, 1/2): 4 * (1 - 1/4) = 3 against 0.
        ("ldam", [16, 1], {"scale": 4}, [1, 0], 0, math.log1p(math.exp(-3))),
        # 4 * (0 - 1/2) = -2 against 4.
        ("ldam", [16, 1], {"scale": 4}, [1, 0], 1, math.log1p(math.exp(6))),
        # Power -1: margins (1/32, 1/2); 32 * (1/8 - 1/32) = 3 against 0.
        ("ldam", [16, 1], ONE_LESS, [1 / 8, 0], 0, math.log1p(math.exp(-3))),
        # n e^z = (3, 3).
        ("balanced_softmax", [3, 1], {}, [0, LOG3], 0, math.log(2)),
        # n² e^z = (9, 3): 3/4.
        ("la", [3, 1], {"tau": 2}, [0, LOG3], 0, QUARTER),
        # Factors (1, 16^-1/4) = (1, 1/2): scores (0, log 3).
        (
            "vs",
            [16, 1],
            {"tau": 0, "exponent": 0.25},
            [0, 2 * LOG3],
            1,
            QUARTER,
        ),
    ],
)
def test_values_by_hand(name, counts, options, scores, label, expected):
    loss = losses.exit_loss(name, counts, **options)
    found = loss(tf.constant(scores, "float32"), tf.constant(label))
    assert float(found) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize(
    ("name", "counts", "options", "same_as"),
    [
        ("focal", COUNTS, {"gamma": 0}, "ce"),
        ("balanced_softmax", [7] * 4, {}, "ce"),
        ("la", COUNTS, {"tau": 0}, "ce"),
        ("la", COUNTS, {"tau": 1}, "balanced_softmax"),
        ("vs", [7] * 4, {"tau": 0}, "ce"),
        ("vs", COUNTS, {"exponent": 0, "tau": 1.5}, "la"),
    ],
)
def test_identities(name, counts, options, same_as, batch):
    found = losses.exit_loss(name, counts, **options)(*batch)
    tau = {"tau": options.get("tau", 1)} if same_as == "la" else {}
    expected = losses.exit_loss(same_as, counts, **tau)(*batch)
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)


def test_focal_gradient_against_differences():
    def value(score):
        miss = 1 - by_hand.softmax([score, 0.0])[0]
        return miss**0.5 * by_hand.cross_entropy([score, 0.0], 0)

    scores = tf.Variable([1.5, 0.0])
    with tf.GradientTape() as tape:
        found = exit_losses.focal(scores, tf.constant(0))
    slope = (value(1.5 + 1e-6) - value(1.5 - 1e-6)) / 2e-6
    gradient = tape.gradient(found, scores)[0]
    assert float(gradient) == pytest.approx(slope, rel=1e-4)


def test_an_unknown_loss_is_refused_with_the_choices():
    with pytest.raises(InputError, match=r"'crossentropy'.*'ce'.*'ldam'"):
        losses.exit_loss("crossentropy", COUNTS)


def test_a_loss_of_class_counts_asks_for_them(name, batch):
    if name in ("ce", "focal"):
        expected = losses.exit_loss(name, COUNTS)(*batch)
        np.testing.assert_array_equal(losses.exit_loss(name)(*batch), expected)
        return
    says = f'{name}\' needs .* class_counts is missing.*"{name}", np.bincount'
    with pytest.raises(InputError, match=says):
        losses.exit_loss(name)


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("focal", {"gama": 2.0}, "'focal' takes no gama; it takes gamma"),
        ("ce", {"gamma": 2.0}, "'ce' takes no gamma; it takes no parameter"),
        ("la", {"tau": 1.0, "scale": 30.0}, "'la' takes no scale; .* tau"),
        ("vs", {"margin_power": -1}, "no margin_power; it takes tau, exponent"),
    ],
)
def test_a_parameter_of_another_loss_is_refused(name, options, message):
    with pytest.raises(InputError, match=message):
        losses.exit_loss(name, COUNTS, **options)
