"""Weights as int8 files hold them, against the weights as they were."""

import keras
import numpy as np
import pytest
from keras import layers

from elf_keras import models
from elf_keras.deploy import rounding
from elf_keras.models.layers import BatchNormalization
from elf_keras.models.multi_exit_model import MultiExitModel


@pytest.fixture(scope="module")
def images():
    """Smooth ones: neighbouring pixels are alike, as in photos."""
    random = np.random.default_rng(0)
    coarse = random.uniform(0, 255, (24, 3, 3, 2))
    noise = random.uniform(0, 20, (24, 9, 9, 2))
    return (0.9 * coarse.repeat(3, 1).repeat(3, 2) + noise).astype("float32")


@pytest.fixture(scope="module")
def model(images):
    keras.utils.set_random_seed(0)
    image = keras.Input((9, 9, 2), name="image")
    x = layers.Rescaling(1 / 255)(image)
    x = layers.Conv2D(16, 1, use_bias=False, name="widen")(x)
    x = layers.ReLU(6.0)(BatchNormalization()(x))
    x = layers.DepthwiseConv2D(3, use_bias=False, name="depthwise")(x)
    # As edges: what each kernel adds up to is small beside its weights.
    kernel = x._keras_history.operation.kernel
    kernel.assign(kernel - np.mean(kernel, (0, 1), keepdims=True))
    x = layers.ReLU(6.0)(BatchNormalization(name="norm")(x))
    x = layers.GlobalAveragePooling2D()(x)
    built = MultiExitModel(image, {"exit_1": layers.Dense(3, name="exit_1")(x)})
    x = built.get_layer("depthwise")(
        keras.Model(image, built.get_layer("depthwise").input)(images)
    )
    norm = built.get_layer("norm")
    norm.moving_mean.assign(np.mean(x, (0, 1, 2)))
    norm.moving_variance.assign(np.var(x, (0, 1, 2)))
    return built


def test_later_weights_make_up_for_earlier_ones():
    """By hand: scale 1, inputs alike; 0.4 + 0.4 + 0.4 is nearer 1 than 0."""
    weights = np.array([127.0, 0.4, 0.4, 0.4])[None, :, None]
    found = rounding.rounded(weights, np.ones((1, 4, 4)))[0, :, 0]
    assert found[0] == 127
    assert sorted(found[1:]) == [0, 0, 1]
    apart = rounding.rounded(weights, np.eye(4)[None])[0, :, 0]
    np.testing.assert_array_equal(apart, [127, 0, 0, 0])


def test_a_kernel_of_zeros_stays():
    nothing = np.zeros((2, 4, 1))
    found = rounding.rounded(nothing, np.zeros((2, 4, 4)))
    np.testing.assert_array_equal(found, nothing)


def test_too_many_inputs_are_rounded_to_nearest(monkeypatch):
    monkeypatch.setattr(rounding, "MOST_INPUTS", 3)
    weights = np.array([127.0, 0.4, 0.4, 0.6])[None, :, None]
    found = rounding.rounded(weights, np.ones((1, 4, 4)))[0, :, 0]
    np.testing.assert_array_equal(found, [127, 0, 0, 1])


def test_kernels_are_integers_of_the_same_scale(model, images):
    """So that a converter finds them again; the model given stays."""
    before = [np.array(value) for value in model.get_weights()]
    found = rounding.of_model(model, images)
    for value, old in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(value, old)
    # The first convolution divides by 255, too.
    kinds = ("widen", (0, 1, 2), 1 / 255), ("depthwise", (0, 1), 1)
    for name, axes, divided in kinds:
        kernel, old = (
            np.asarray(at.get_layer(name).kernel) for at in (found, model)
        )
        scale = divided * np.abs(old).max(axes) / 127
        largest = np.abs(kernel).max(axes)
        np.testing.assert_allclose(largest, 127 * scale, rtol=1e-6)
        whole = kernel / scale.reshape(1, 1, *scale.shape)
        np.testing.assert_allclose(whole, np.rint(whole), atol=1e-4)


def test_without_such_a_kernel_nothing_is_rounded(images):
    image = keras.Input((9, 9, 2), name="image")
    x = layers.SeparableConv2D(3, 3)(image)
    scores = layers.GlobalAveragePooling2D(name="exit_1")(x)
    plain = MultiExitModel(image, {"exit_1": scores})
    found = rounding.of_model(plain, images)
    for value, old in zip(
        found.get_weights(), plain.get_weights(), strict=True
    ):
        np.testing.assert_array_equal(value, old)


def test_logits_move_far_less_than_by_rounding_to_nearest(model, images):
    expected = np.asarray(model(images)["exit_1"])
    ours = np.asarray(rounding.of_model(model, images)(images)["exit_1"])
    nearest = models.in_float32(model)
    for name in ("widen", "depthwise", "exit_1"):
        kernel = np.asarray(model.get_layer(name).kernel)
        axes = (0, 1) if name == "depthwise" else tuple(range(kernel.ndim - 1))
        scale = np.abs(kernel).max(axes, keepdims=True) / 127
        nearest.get_layer(name).kernel.assign(np.rint(kernel / scale) * scale)
    plain = np.asarray(nearest(images)["exit_1"])
    error, error_of_nearest = (
        np.sqrt(np.mean((found - expected) ** 2)) for found in (ours, plain)
    )
    assert 0 < error < 0.5 * error_of_nearest
