import keras
import numpy as np
import pytest
import tensorflow as tf

from elf_keras.distribution import replicas
from elf_keras.models.layers import BatchNormalization

SHAPE = (5, 4, 3, 6)


@pytest.fixture
def images():
    random = np.random.default_rng(5)
    return random.normal(2.0, 3.0, size=SHAPE)


def build(kind, dtype="float32", **options):
    layer = kind(momentum=0.9, epsilon=1e-5, dtype=dtype, **options)
    layer.build((None, *SHAPE[1:]))
    random = np.random.default_rng(6)
    layer.set_weights(
        [random.uniform(0.5, 2.0, size=w.shape) for w in layer.weights]
    )
    return layer


def outputs_and_gradients(layer, images):
    images = tf.constant(images, layer.compute_dtype)
    weights = np.random.default_rng(7).normal(size=SHAPE)[: len(images)]
    with tf.GradientTape() as tape:
        tape.watch(images)
        outputs = layer(images, training=True)
        total = tf.reduce_sum(outputs * tf.cast(weights, outputs.dtype))
    return outputs, tape.gradient(total, [images, layer.gamma, layer.beta])


@pytest.mark.parametrize("synchronized", [False, True])
@pytest.mark.parametrize(
    ("dtype", "tolerance"), [("float32", 2e-5), ("float64", 1e-10)]
)
def test_training_agrees_with_keras(images, dtype, tolerance, synchronized):
    ours = build(BatchNormalization, dtype, synchronized=synchronized)
    theirs = build(keras.layers.BatchNormalization, dtype)
    found, gradients = outputs_and_gradients(ours, images)
    expected, expected_gradients = outputs_and_gradients(theirs, images)
    np.testing.assert_allclose(found, expected, atol=tolerance)
    for one, other in zip(gradients, expected_gradients, strict=True):
        np.testing.assert_allclose(one, other, atol=50 * tolerance)
    np.testing.assert_allclose(
        ours.moving_mean, theirs.moving_mean, rtol=tolerance
    )


@pytest.mark.parametrize("synchronized", [False, True])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_moving_statistics_by_hand(images, dtype, synchronized):
    layer = build(BatchNormalization, dtype, synchronized=synchronized)
    _, _, old_mean, old_variance = layer.get_weights()
    layer(images, training=True)
    flat = images.reshape(-1, SHAPE[-1])
    squares = ((flat - flat.mean(axis=0)) ** 2).sum(axis=0)
    variance = squares / (len(flat) - 1)
    np.testing.assert_allclose(
        layer.moving_mean, 0.9 * old_mean + 0.1 * flat.mean(axis=0), rtol=1e-5
    )
    np.testing.assert_allclose(
        layer.moving_variance, 0.9 * old_variance + 0.1 * variance, rtol=1e-5
    )


@pytest.mark.parametrize("dtype", ["float32", "float64", "mixed_bfloat16"])
@pytest.mark.parametrize("frozen", [False, True])
def test_inference_and_frozen_layers_use_moving_statistics(
    images, dtype, frozen
):
    layer = build(BatchNormalization, dtype)
    layer.trainable = not frozen
    before = layer.get_weights()
    gamma, beta, mean, variance = before
    found = layer(images, training=frozen)
    expected = gamma * (images - mean) / np.sqrt(variance + 1e-5) + beta
    tolerance = 0.1 if dtype == "mixed_bfloat16" else 1e-4
    np.testing.assert_allclose(
        tf.cast(found, "float64"), expected, atol=tolerance
    )
    for old, new in zip(before, layer.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)


@pytest.mark.parametrize("synchronized", [False, True])
@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16"])
def test_half_precision_keeps_weights_in_float32(images, policy, synchronized):
    layer = build(BatchNormalization, policy, synchronized=synchronized)
    exact = build(BatchNormalization)
    outputs, gradients = outputs_and_gradients(layer, images)
    expected, _ = outputs_and_gradients(exact, images)
    assert outputs.dtype.name == policy.removeprefix("mixed_")
    assert {str(weight.dtype) for weight in layer.weights} == {"float32"}
    assert {g.dtype for g in gradients[1:]} == {tf.float32}
    np.testing.assert_allclose(tf.cast(outputs, "float32"), expected, atol=0.05)
    np.testing.assert_allclose(
        layer.moving_variance, exact.moving_variance, rtol=1e-2
    )


@pytest.mark.parametrize("synchronized", [False, True])
def test_an_empty_batch_changes_nothing(images, synchronized):
    layer = build(BatchNormalization, synchronized=synchronized)
    before = layer.get_weights()
    outputs, gradients = outputs_and_gradients(layer, images[:0])
    assert outputs.shape == (0, *SHAPE[1:])
    for gradient in gradients[1:]:
        np.testing.assert_array_equal(gradient, np.zeros(SHAPE[-1]))
    for old, new in zip(before, layer.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)


def test_one_value_per_channel_is_no_division_by_zero():
    for synchronized in (False, True):
        layer = build(BatchNormalization, synchronized=synchronized)
        outputs = layer(np.full((1, 1, 1, 6), 7.0), training=True)
        np.testing.assert_allclose(outputs[0, 0, 0], layer.beta, atol=1e-5)
        assert np.isfinite(layer.moving_variance).all()


def test_synchronized_stays_exact_far_from_zero(images):
    # Mean 1000, deviation 3: E[x²] - E[x]² would keep no digit in float32.
    far = images + 1000
    fused = build(BatchNormalization)(far, training=True)
    layer = build(BatchNormalization, synchronized=True)
    np.testing.assert_allclose(layer(far, training=True), fused, atol=0.01)


def test_an_axis_that_would_be_ignored_is_refused():
    with pytest.raises((TypeError, ValueError)):
        BatchNormalization(axis=1)(np.ones((2, 4, 4, 4)), training=True)


@pytest.mark.parametrize("several", [False, True])
def test_by_default_the_strategy_says_what_is_synchronized(
    monkeypatch, several
):
    monkeypatch.setattr(replicas, "several", lambda: several)
    assert BatchNormalization().synchronized == several


def test_configuration_round_trip():
    layer = BatchNormalization(0.7, 0.01, synchronized=True, name="norm")
    copy = keras.layers.deserialize(keras.layers.serialize(layer))
    assert type(copy) is BatchNormalization
    assert copy.get_config() == layer.get_config()
    assert (copy.momentum, copy.epsilon) == (0.7, 0.01)
    assert copy.synchronized
