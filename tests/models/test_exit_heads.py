import keras
import numpy as np
import pytest

from elf_keras.errors import InputError
from elf_keras.models.exit_heads import EXIT_HEADS, Heads

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


def macs(model):
    """Kernel size times positions, from the layers' own shapes."""
    total = 0
    for layer in model.layers:
        kernels = [w for w in layer.weights if "kernel" in w.name]
        size = sum(int(np.prod(kernel.shape)) for kernel in kernels)
        total += size * int(np.prod(layer.output.shape[1:3]))
    return total


@pytest.mark.parametrize(
    ("name", "options", "expected", "millions"),
    [
        (
            "conv",
            {},
            2 * (convolution(16, 16) + convolution(8, 64))
            + (convolution(8, 32) + convolution(4, 64)),
            11.2,
        ),
        (
            "pooled",
            {},
            2 * (convolution(8, 16) + convolution(4, 64))
            + (convolution(8, 32) + convolution(4, 64)),
            4.1,
        ),
        (
            "separable",
            {},
            2 * (separable(16, 16) + separable(8, 64))
            + (separable(8, 32) + separable(4, 64)),
            1.4,
        ),
        (
            "conv",
            {"stride": 1},
            2 * (convolution(32, 16) + convolution(32, 64))
            + (convolution(16, 32) + convolution(16, 64)),
            108.5,
        ),
    ],
)
def test_costs_by_hand(name, options, expected, millions):
    found = sum(macs(head(name, tap, **options)) for tap in TAPS)
    assert found == expected
    assert found / 1e6 == pytest.approx(millions, abs=0.06)


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
    model = head(name, filters=24)
    assert model.output.shape[-1] == 24
    kernels = [w.shape for w in model.weights if w.name == "kernel"]
    kernels += [w.shape for w in model.weights if w.name == "pointwise_kernel"]
    assert {shape[-1] for shape in kernels} == {24}


@pytest.mark.parametrize(
    ("name", "stride", "side"),
    [
        ("conv", 2, 8),
        ("conv", 1, 32),
        ("pooled", 2, 4),
        ("pooled", 1, 8),
        ("separable", 2, 8),
        ("separable", 1, 32),
    ],
)
def test_strides(name, stride, side):
    assert head(name, stride=stride).output.shape[1:3] == (side, side)


@pytest.mark.parametrize("name", EXIT_HEADS)
def test_layers_bear_the_name_of_the_exit(name):
    layers = head(name).layers[1:]
    assert all(layer.name.startswith("exit_1_") for layer in layers)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"body": "dense"}, "exit head 'dense'.*auto.*'pooled'"),
        ({"stride": 3}, "exit stride 3: expected 1 or 2"),
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
