import math

import keras
import numpy as np
import pytest
import tensorflow as tf

from elf_keras.models.exit_heads import CosineClassifier, classify


def cosine(kernel):
    kernel = np.array(kernel, "float32")
    layer = CosineClassifier(kernel.shape[1])
    layer.build((None, kernel.shape[0]))
    layer.set_weights([kernel])
    return layer


def test_cosines_by_hand():
    # Class vectors (1, 0), (0, 5), (-3, -3); feature (3, 4) of length 5.
    layer = cosine([[1, 0, -3], [0, 5, -3]])
    expected = [3 / 5, 4 / 5, -7 / (5 * math.sqrt(2))]
    for length in (1, 1e-3, 1e3):
        found = layer(np.array([[3 * length, 4 * length]], "float32"))
        np.testing.assert_allclose(found, [expected], rtol=1e-5)


def test_cosines_stay_within_one():
    random = np.random.default_rng(0)
    layer = cosine(random.normal(size=(64, 10)))
    found = np.asarray(layer(random.normal(size=(50, 64)).astype("float32")))
    assert np.abs(found).max() <= 1 + 1e-6


def test_a_feature_of_length_zero_has_finite_scores_and_gradients():
    layer = cosine([[1, 0], [0, 1]])
    features = tf.Variable([[0.0, 0.0]])
    with tf.GradientTape() as tape:
        scores = layer(features * 1)
        total = tf.reduce_sum(scores[:, 0])
    gradients = tape.gradient(total, [features, layer.kernel.value])
    np.testing.assert_array_equal(scores, [[0, 0]])
    assert all(np.isfinite(gradient).all() for gradient in gradients)


def test_configuration_round_trip_keeps_float32_under_any_policy():
    layer = CosineClassifier(7, name="exit_2")
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        copy = keras.layers.deserialize(keras.layers.serialize(layer))
        scores = copy(tf.ones((2, 3), tf.bfloat16))
    finally:
        keras.config.set_dtype_policy("float32")
    assert (copy.classes, copy.name) == (7, "exit_2")
    assert scores.dtype == tf.float32
    assert copy.kernel.dtype == "float32"


@pytest.mark.parametrize(("is_cosine", "weights"), [(True, 1), (False, 2)])
def test_classify_averages_over_the_image(is_cosine, weights):
    features = keras.Input((3, 5, 4))
    scores = classify(features, 6, name="exit_3", cosine=is_cosine)
    model = keras.Model(features, scores)
    assert model.output_shape == (None, 6)
    assert len(model.get_layer("exit_3").weights) == weights
    images = np.random.default_rng(1).normal(size=(2, 3, 5, 4))
    flat = np.tile(images.mean(axis=(1, 2), keepdims=True), (1, 3, 5, 1))
    np.testing.assert_allclose(model(images), model(flat), atol=1e-5)
