import keras
import numpy as np
import pytest
import tensorflow as tf

from elf_keras import models
from elf_keras.models.backbones.resnets import resnet50


@pytest.fixture(scope="module")
def backbone():
    inputs = keras.Input((64, 64, 3))
    return resnet50(inputs)


@pytest.fixture(scope="module")
def model(backbone):
    return keras.Model(backbone.inputs, backbone.features)


def test_taps_lie_before_each_group(backbone):
    assert list(backbone.taps) == [f"group_{k}" for k in (1, 2, 3, 4)]
    maps = [*backbone.taps.values(), backbone.features]
    sizes = (16, 64), (16, 256), (8, 512), (4, 1024), (2, 2048)
    expected = [(side, side, channels) for side, channels in sizes]
    assert [each.shape[1:] for each in maps] == expected


def test_depth_and_parameters(model):
    # Without the classifier's 2048 x 1000 + 1000: as published, 25,557,032.
    trainable = sum(w.numpy().size for w in model.trainable_weights)
    assert trainable == 25_557_032 - 2_049_000
    kernels = [x for x in model.layers if isinstance(x, keras.layers.Conv2D)]
    shortcuts = [x for x in kernels if "shortcut" in x.name]
    assert (len(kernels) - len(shortcuts) + 1, len(shortcuts)) == (50, 4)


def test_the_stride_sits_in_the_3x3(model):
    strided = [
        (layer.name, layer.kernel_size[0])
        for layer in model.layers
        if isinstance(layer, keras.layers.Conv2D) and layer.strides[0] == 2
    ]
    assert set(strided) == {
        ("stem_conv", 7),
        *((f"group_{k}_block_1_2_conv", 3) for k in (2, 3, 4)),
        *((f"group_{k}_block_1_shortcut_conv", 1) for k in (2, 3, 4)),
    }


def test_the_maximum_has_one_pixel_of_border(model):
    probe = keras.Model(
        model.get_layer("stem_relu").output, model.get_layer("stem_pool").output
    )
    image = np.random.default_rng(0).uniform(size=(1, 32, 32, 64))
    pads = [[0, 0], [1, 1], [1, 1], [0, 0]]
    expected = tf.nn.max_pool2d(image, 3, strides=2, padding=pads)
    found = probe(image.astype("float32"))
    np.testing.assert_allclose(found, expected, rtol=1e-6)


@pytest.mark.slow
def test_heads_are_separable_and_as_wide_as_their_taps():
    model = models.build((32, 32, 3), 5, backbone="resnet50")
    kind = keras.layers.SeparableConv2D
    heads = [layer for layer in model.layers if isinstance(layer, kind)]
    widths = sorted(layer.filters for layer in heads)
    assert widths == [64, 64, 256, 256, 512, 512, 1024, 1024]
    assert models.exits(model) == 5
