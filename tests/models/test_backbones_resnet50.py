import keras
import numpy as np
import pytest

from elf_keras import models
from elf_keras.errors import InputError
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
    assert [each.shape[1:] for each in maps] == [
        (16, 16, 64),
        (16, 16, 256),
        (8, 8, 512),
        (4, 4, 1024),
        (2, 2, 2048),
    ]


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
    expected = {("stem_conv", 7)}
    for group in (2, 3, 4):
        expected |= {
            (f"group_{group}_block_1_2_conv", 3),
            (f"group_{group}_block_1_shortcut_conv", 1),
        }
    assert set(strided) == expected


def test_the_maximum_has_one_pixel_of_border(model):
    probe = keras.Model(
        model.get_layer("stem_relu").output, model.get_layer("stem_pool").output
    )
    image = np.random.default_rng(0).uniform(size=(1, 32, 32, 64))
    found = np.asarray(probe(image.astype("float32")))
    for row, column in np.ndindex(16, 16):
        window = image[
            0,
            max(0, 2 * row - 1) : 2 * row + 2,
            max(0, 2 * column - 1) : 2 * column + 2,
        ]
        np.testing.assert_allclose(
            found[0, row, column], window.max((0, 1)), rtol=1e-6
        )


def test_images_that_are_too_small_are_refused():
    inputs = keras.Input((64, 31, 3))
    with pytest.raises(InputError, match="side 31 .*at least 32"):
        resnet50(inputs)


def test_heads_are_separable_and_as_wide_as_their_taps():
    model = models.build((32, 32, 3), 5, backbone="resnet50")
    heads = [
        layer
        for layer in model.layers
        if isinstance(layer, keras.layers.SeparableConv2D)
    ]
    assert sorted(layer.filters for layer in heads) == sorted(
        2 * [64, 256, 512, 1024]
    )
    assert models.exits(model) == 5
