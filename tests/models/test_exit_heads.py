import math

import keras
import numpy as np
import pytest
import tensorflow as tf

from elf_keras.errors import InputError
from elf_keras.models import multiply_adds
from elf_keras.models.exit_heads import (
    EXIT_HEADS,
    CosineClassifier,
    Heads,
    classify,
)

# The taps of a ResNet-32 on images of 32 x 32.
TAPS = [(32, 32, 16), (32, 32, 16), (16, 16, 32)]


def head(name, shape=(32, 32, 16), **options):
    tap = keras.Input(shape)
    features = EXIT_HEADS[name](tap, name="exit_1", **options)
    return keras.Model(tap, features)


def convolution(side, channels, filters=64):
    """Multiply-adds of a 3x3 convolution with `side` x `side` results."""
    return side * side * 9 * channels * filters


def separable(side, channels, filters=64):
    return side * side * (9 * channels + channels * filters)


@pytest.mark.parametrize(
    ("name", "stride", "one", "sides", "millions"),
    [
        ("conv", 2, convolution, (16, 8, 8, 4), 11.2),
        ("pooled", 2, convolution, (8, 4, 8, 4), 4.1),
        ("separable", 2, separable, (16, 8, 8, 4), 1.4),
        ("conv", 1, convolution, (32, 32, 16, 16), 108.5),
    ],
)
def test_costs_by_hand(name, stride, one, sides, millions):
    """Sides of what both layers give, of the first two taps and the last."""
    heads = [head(name, tap, stride=stride) for tap in TAPS]
    found = sum(map(multiply_adds.layer_macs, heads))
    first, second, *last = sides
    large = one(first, 16) + one(second, 64)
    assert found == 2 * large + one(last[0], 32) + one(last[1], 64)
    assert found / 1e6 == pytest.approx(millions, abs=0.06)


def test_the_cost_of_an_inverted_head_by_hand():
    """Widened at full size, filtered at half, projected at 5 x 5."""
    found = head("inverted", (40, 40, 24), filters=(96, 192))
    macs = 40 * 40 * 24 * 96 + 20 * 20 * 9 * 96 + 5 * 5 * 96 * 192
    assert multiply_adds.layer_macs(found) == macs
    assert found.output.shape[1:] == (5, 5, 192)


@pytest.mark.parametrize("name", EXIT_HEADS)
@pytest.mark.parametrize(
    "shape", [(32, 32, 16), (7, 9, 3), (2, 2, 32), (1, 1, 4)]
)
def test_features_have_64_channels_on_any_tap(name, shape):
    model = head(name, shape)
    side = model.output.shape[1:3]
    assert model.output.shape[-1] == 64
    assert all(0 < new <= old for new, old in zip(side, shape, strict=False))
    found = model(np.ones((2, *shape), "float32"))
    assert np.isfinite(found).all()
    assert np.min(found) >= 0


@pytest.mark.parametrize("name", EXIT_HEADS)
def test_filters(name):
    model = head(name, filters=(24, 40))
    assert model.output.shape[-1] == 40
    kernels = [
        layer.kernel.shape
        for layer in model.layers
        if type(layer) is keras.layers.Conv2D
    ]
    kernels += [w.shape for w in model.weights if w.name == "pointwise_kernel"]
    assert [shape[-2:] for shape in kernels] == [(16, 24), (24, 40)]


@pytest.mark.parametrize(
    ("name", "sides"),
    [("conv", (32, 8)), ("pooled", (8, 4)), ("separable", (32, 8))]
    + [("inverted", (5, 5))],
)
def test_strides_and_names(name, sides):
    for stride, side in zip((1, 2), sides, strict=True):
        model = head(name, stride=stride)
        assert model.output.shape[1:3] == (side, side)
        layers = model.layers[1:]
        assert all(layer.name.startswith("exit_1_") for layer in layers)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"body": "dense"}, "exit head 'dense'.*auto.*'pooled'"),
        ({"stride": 3}, "exit stride 3: expected 1 or 2"),
        ({"filters": ((64, 128), (64, 0))}, r"head filters \(64, 0\).*1 to"),
        ({"filters": ((64, 128, 64),)}, "pair of whole numbers"),
        ({"filters": ((64, 1e9),)}, "pair of whole numbers"),
        ({"filters": ((64, 4097),)}, "to 4096 for each early exit"),
        ({"filters": (64, 128)}, "head filters 64: expected a pair"),
    ],
)
def test_heads_that_are_none(options, message):
    with pytest.raises(InputError, match=message):
        Heads(**options)


def test_pooled_head_averages_before_it_convolves():
    model = head("pooled")
    reduce = keras.Model(model.input, model.get_layer("exit_1_reduce").output)
    images = np.random.default_rng(0).normal(size=(1, 32, 32, 16))
    expected = images.reshape(8, 4, 8, 4, 16).mean(axis=(1, 3))
    np.testing.assert_allclose(reduce(images)[0], expected, atol=1e-6)


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
    found = layer(random.normal(size=(50, 64)).astype("float32"))
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
