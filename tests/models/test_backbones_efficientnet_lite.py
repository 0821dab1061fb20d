"""EfficientNet-Lite0: its shape, and its size as published."""

import keras
import numpy as np
import pytest

from elf_keras import models
from elf_keras.errors import InputError
from elf_keras.models import multiply_adds
from elf_keras.models.backbones.efficientnet_lite import efficientnet_lite0

NAME = "efficientnet_lite0"


@pytest.fixture(scope="module")
def backbone():
    return efficientnet_lite0(keras.Input((224, 224, 3)))


@pytest.fixture(scope="module")
def of_imagenet():
    return models.build((224, 224, 3), 1000, backbone=NAME)


def test_taps_are_the_last_blocks_of_five_groups(backbone):
    assert list(backbone.taps) == [f"block_{n}" for n in (0, 2, 4, 7, 10)]
    maps = [*backbone.taps.values(), backbone.features]
    sides, filters = (112, 56, 28, 14, 14, 7), (16, 24, 40, 80, 112, 1280)
    expected = zip(sides, sides, filters, strict=True)
    assert [each.shape[1:] for each in maps] == [*expected]


def test_every_tap_is_a_cut(backbone):
    for tap in backbone.taps.values():
        assert keras.Model(tap, backbone.features).input_shape == tap.shape


def test_size_is_as_published(of_imagenet):
    # 4.7 M parameters, 1000 classes with their bias; 42,016 of them are the
    # batch normalizations' means and variances. 385 M multiply-adds.
    network = models.static_view(of_imagenet)
    trained = sum(np.prod(w.shape) for w in network.trainable_weights)
    assert network.count_params() == 4_694_024
    assert trained == 4_694_024 - 42_016
    costs = multiply_adds.exit_costs(of_imagenet)
    assert costs.backbone / 1e6 == pytest.approx(385, abs=0.5)
    shares = np.divide(costs.without_heads, costs.backbone)
    expected = [0.054, 0.197, 0.295, 0.408, 0.632, 1]
    np.testing.assert_allclose(shares, expected, atol=5e-4)


def test_heads_are_wider_than_their_taps(of_imagenet):
    pairs = (64, 128), (96, 192), (128, 256), (256, 384), (320, 448)
    for exit_number, pair in enumerate(pairs, start=1):
        for which, filters in enumerate(pair, start=1):
            layer = of_imagenet.get_layer(f"exit_{exit_number}_{which}_conv")
            assert layer.kernel.shape[::3] == (1, filters)
    costs = multiply_adds.exit_costs(of_imagenet)
    assert costs.with_heads[-1] / costs.backbone < 1.14


def test_only_blocks_that_keep_their_shape_have_a_skip(backbone):
    model = keras.Model(backbone.inputs, backbone.features)
    names = [layer.name for layer in model.layers]
    skips = [name for name in names if name.endswith("_add")]
    # The first of each group has none.
    expected = (2, 4, 6, 7, 9, 10, 12, 13, 14)
    assert skips == [f"block_{number}_add" for number in expected]
    assert "block_0_expand_conv" not in names
    epsilons = {x.epsilon for x in model.layers if x.name.endswith("_norm")}
    assert epsilons == {1e-3}


def test_fresh_weights_keep_the_spread_of_what_goes_through_them():
    built = efficientnet_lite0(keras.Input((64, 64, 3)))
    kernels = [
        layer.get_weights()[0]
        for layer in keras.Model(built.inputs, built.features).layers
        if isinstance(layer, keras.layers.DepthwiseConv2D)
    ]
    assert len(kernels) == 16
    # Each channel has inputs of its own alone, however many channels are.
    for kernel in kernels[1:]:
        expected = np.sqrt(2 / kernel.shape[0] ** 2)
        assert kernel.std() == pytest.approx(expected, rel=0.15)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("shape", "size"),
    [((32, 32, 3), (1, 1)), ((33, 97, 1), (2, 4)), ((160, 160, 3), (5, 5))],
)
def test_odd_oblong_and_grey_images(shape, size):
    features = efficientnet_lite0(keras.Input(shape)).features
    assert features.shape[1:] == (*size, 1280)


@pytest.mark.parametrize("shape", [(31, 31, 3), (64, 16, 3)])
def test_images_that_are_too_small_are_refused(shape):
    with pytest.raises(InputError, match=f"side {min(shape[:2])}.*least 32"):
        efficientnet_lite0(keras.Input(shape))
