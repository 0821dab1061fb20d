"""Backbones of plug-ins, and models of a notebook: taps, sizes, own layers."""

import given_models
import keras
import made_plugin
import numpy as np
import pytest
from keras import layers

from elf_keras import models, plugins
from elf_keras.errors import InputError
from elf_keras.models import multiply_adds


@pytest.fixture(autouse=True)
def forgotten():
    with made_plugin.forgotten():
        yield


@keras.saving.register_keras_serializable("made_of_tests")
class Doubled(layers.Conv2D):
    """A layer that a file can name; it counts as its base."""


class Nameless(layers.Conv2D):
    """One that no file can name."""


def blocks(images, kind=layers.Conv2D):
    for number in (1, 2, 3):
        stride = 1 if number == 1 else 2
        images = kind(
            6, 3, strides=stride, padding="same", name=f"block_{number}"
        )(images)
    return images


def registered(function):
    function.__doc__ = "A backbone of the tests."
    plugins.backbone("made")(function)
    return models.build((16, 16, 3), 4, backbone="made")


def plain_layers(images):
    return blocks(images)


def test_taps_lie_before_each_halving_but_the_last():
    model = registered(plain_layers)
    assert model.name == "made"
    assert models.tap_names(model) == ["block_1", "block_2", "block_3"]


def test_a_tapped_backbone_says_where_exits_sit():
    def tapped(images):
        features = blocks(images)
        model = keras.Model(images, features)
        taps = {"second": model.get_layer("block_2").output}
        return models.TappedBackbone(images, taps, features, "conv")

    model = registered(tapped)
    assert models.tap_names(model) == ["block_2", "block_3"]


def own_layer(images):
    return blocks(images, Doubled)


def nameless(images):
    return blocks(images, Nameless)


def test_a_layer_of_ones_own_is_saved_and_loaded_again(tmp_path):
    model = registered(own_layer)
    models.save(model, tmp_path / "model.keras")
    found = models.load(tmp_path / "model.keras")
    assert isinstance(found.get_layer("block_2"), Doubled)
    image = np.zeros((1, 16, 16, 3))
    np.testing.assert_allclose(
        found.predict(image, verbose=0)["exit_1"],
        model.predict(image, verbose=0)["exit_1"],
        atol=1e-6,
    )


@pytest.mark.parametrize(
    ("function", "says"),
    [
        (nameless, r"block_1 \(Nameless\).*register_keras_serializable"),
        (lambda images: 3, "returns int; expected its last feature map"),
        (
            lambda images: layers.GlobalAveragePooling2D()(blocks(images)),
            r"returns KerasTensor \(None, 6\); expected its last feature map",
        ),
    ],
)
def test_what_is_no_backbone_is_refused(function, says):
    with pytest.raises(InputError, match=says):
        registered(function)


def test_a_model_tells_its_images_and_classes():
    model = models.build(backbone=given_models.tutorial(), taps=None)
    assert model.inputs[0].shape[1:] == given_models.SHAPE
    assert model.output["exit_1"].shape == (None, 4)
    with pytest.raises(InputError, match="classes is missing, and the backbon"):
        models.build(backbone=given_models.plain())
    with pytest.raises(InputError, match="image_shape is missing"):
        models.build(classes=3, backbone="resnet8")


@pytest.mark.parametrize(
    ("taps", "exits", "names"),
    [
        (["first_add"], "all", ["first_add", "third_add"]),
        (["first_add", "second_add"], "2", ["second_add", "third_add"]),
        ([], "all", ["third_add"]),
        (["first_add"], "none", ["third_add"]),
    ],
)
def test_taps_are_named(taps, exits, names):
    model = models.build(
        classes=3, backbone=given_models.plain(), taps=taps, exits=exits
    )
    assert models.tap_names(model) == names


@pytest.mark.parametrize("taps", ["first_add", [1, 2]])
def test_taps_are_a_list_of_names(taps):
    with pytest.raises(InputError, match="expected names of layers, such as"):
        models.build(classes=3, backbone=given_models.plain(), taps=taps)


def test_an_unknown_layer_says_how_to_count_it():
    @keras.saving.register_keras_serializable("made_of_tests")
    class Scaled(layers.Layer):
        def build(self, shape):
            size = (shape[-1], shape[-1])
            self.kernel = self.add_weight(shape=size, name="kernel")

        def call(self, inputs):
            return keras.ops.matmul(inputs, self.kernel)

    def scaled(images):
        return Scaled(name="scaled")(blocks(images))

    with pytest.raises(InputError, match=r"KERNELS\['Scaled'\] = "):
        registered(scaled)
    try:
        multiply_adds.KERNELS["Scaled"] = (("kernel",), "output")
        plugins.BACKBONES.clear()
        costs = multiply_adds.exit_costs(registered(scaled))
    finally:
        del multiply_adds.KERNELS["Scaled"]
    # Kernels of 3 x 3 at 16, 8 and 4 pixels, 6 x 6 there, the classifier.
    convolutions = 9 * (256 * 3 * 6 + 64 * 36 + 16 * 36)
    assert costs.backbone == convolutions + 16 * 36 + 6 * 4
