"""Models of `keras.applications`: their taps, checked without the rule."""

import re

import keras
import numpy as np
import pytest

from elf_keras import models
from elf_keras.distribution import replicas
from elf_keras.errors import InputError
from elf_keras.models import multiply_adds
from elf_keras.models.backbones import tap_rule
from elf_keras.models.layers import BatchNormalization

slow = pytest.mark.slow
# At 224 pixels, or what a change of resolution means for the model.
PICKED = {
    "MobileNetV3Small": "activation expanded_conv_project_bn "
    "expanded_conv_2_add expanded_conv_7_add",
    "EfficientNetV2B0": "block1a_project_activation block2b_add block3b_add "
    "block5e_add",
    "ConvNeXtTiny": "add_2 add_5 add_14",
    "ResNet50V2": "conv1_conv conv2_block2_out conv3_block3_out "
    "conv4_block5_out",
    "DenseNet121": "conv1_relu pool2_conv pool3_conv pool4_conv",
    "Xception": "block1_conv2_act add add_1 add_10",
}
FAST = ("MobileNetV3Small",)
ALL = [
    name if name in FAST else pytest.param(name, marks=slow) for name in PICKED
]


def side(name):
    return 75 if name == "Xception" else 64


def build(name, **options):
    shape = (side(name), side(name), 3)
    return models.build(shape, 5, backbone=f"keras:{name}", **options)


@pytest.fixture(scope="module", params=ALL)
def named(request):
    """A name and its model."""
    keras.utils.set_random_seed(0)
    return request.param, build(request.param)


def without(model, name):
    """Tell whether a search from the image reaches the last exit."""
    waiting, seen = [model.output[model.output_names[-1]]], set()
    while waiting:
        made = waiting.pop()._keras_history.operation
        if made.name == name or made.name in seen:
            continue
        seen.add(made.name)
        if made.name == "image":
            return True
        waiting.extend(keras.tree.flatten(made.input))
    return False


def test_what_is_picked(named):
    name, model = named
    assert models.tap_names(model)[:-1] == PICKED[name].split()


def test_without_a_tap_no_path_is_left(named):
    _, model = named
    assert without(model, None)
    for tap in models.tap_names(model):
        assert not without(model, tap)


def test_stages_in_a_row_equal_the_whole(named):
    name, model = named
    images = np.random.default_rng(0).integers(
        256, size=(2, side(name), side(name), 3)
    )
    expected, features = model(images), images
    for number, stage in enumerate(models.stages(model), start=1):
        found = stage(features)
        exit_name = f"exit_{number}"
        np.testing.assert_allclose(
            found[exit_name], expected[exit_name], rtol=1e-4, atol=1e-5
        )
        features = found.get("features")
    assert features is None
    costs = multiply_adds.exit_costs(model)
    stages = [multiply_adds.layer_macs(stage) for stage in models.stages(model)]
    np.testing.assert_array_equal(np.cumsum(stages), costs.with_heads)


@pytest.mark.slow
def test_a_saved_model_comes_back(named, tmp_path):
    name, model = named
    images = np.full((1, side(name), side(name), 3), 200)
    models.save(model, tmp_path / "model.keras")
    found = models.load(tmp_path / "model.keras")(images)
    for exit_name, scores in model(images).items():
        np.testing.assert_array_equal(found[exit_name], scores)


@pytest.mark.slow
@pytest.mark.parametrize("name", ALL)
def test_heads_cost_less_than_a_tenth(name):
    model = models.build((224, 224, 3), 1000, backbone=f"keras:{name}")
    costs = multiply_adds.exit_costs(model)
    assert costs.with_heads[-1] < 1.1 * costs.backbone


@pytest.mark.slow
def test_normalizations_are_ours_and_layers_bear_stable_names(
    named, monkeypatch
):
    """Whatever was built before; several replicas share their statistics."""
    name, alone = named
    monkeypatch.setattr(replicas, "several", lambda: True)
    model = build(name)
    names = [[layer.name for layer in each.layers] for each in (alone, model)]
    assert names[0] == names[1]
    # Its own preprocessing is left out.
    kinds = [type(layer).__name__ for layer in model.layers]
    assert kinds.count("Rescaling") == 1
    if name != "MobileNetV3Small":
        return
    kind = keras.layers.BatchNormalization
    norms = [layer for layer in model.layers if isinstance(layer, kind)]
    assert len(norms) > 30
    assert {type(layer) for layer in norms} == {BatchNormalization}
    assert {layer.synchronized for layer in norms} == {True}
    assert not alone.get_layer("conv_bn").synchronized
    assert {layer.momentum for layer in norms} == {0.9}
    # That of the weights' training stays.
    assert model.get_layer("conv_bn").epsilon == 1e-3


@pytest.mark.slow
def test_the_papers_taps_of_densenet():
    model = models.build((32, 32, 3), 5, backbone="densenet169")
    taps = models.tap_names(model)
    assert taps == ["pool1", "pool2_pool", "pool3_pool", "pool4_pool", "relu"]
    channels = [model.get_layer(tap).output.shape[-1] for tap in taps]
    assert channels == [64, 128, 256, 640, 1664]
    named = {layer.name: layer for layer in model.layers}
    heads = [named[n] for n in named if re.fullmatch("exit_.*_conv", n)]
    assert {type(layer).__name__ for layer in heads} == {"Conv2D"}
    assert sorted(layer.filters for layer in heads) == sorted(2 * channels[:-1])


@pytest.mark.parametrize("name", ["Foo", "", "mobilenet", "imagenet_utils"])
def test_unknown_names_are_refused(name):
    with pytest.raises(InputError, match=f"'keras:{name}'.*MobileNetV3Small"):
        build(name)


def test_images_that_are_too_small_are_refused_in_one_line():
    with pytest.raises(InputError, match="keras:Mobile.*32x32") as caught:
        models.build((31, 31, 3), 5, backbone="keras:MobileNetV3Small")
    assert "\n" not in str(caught.value)


def test_a_backbone_of_one_resolution_has_no_tap():
    image = keras.Input((32, 32, 3))
    x = keras.layers.Conv2D(4, 3, padding="same", name="only")(image)
    assert tap_rule.find(x, 32) == {}


def test_a_widening_layer_is_stepped_over_and_borders_are_no_tap():
    image = keras.Input((32, 32, 3))
    made = {}

    def add(layer, *inputs):
        made[layer.name] = layer(*inputs)
        return made[layer.name]

    layers = keras.layers
    x = block = add(layers.Conv2D(4, 3, padding="same", name="narrow"), image)
    x = add(layers.Conv2D(9, 1, name="wide"), x)
    x = add(layers.ReLU(name="relu"), x)
    x = add(layers.ZeroPadding2D(1, name="pad"), x)
    x = add(layers.Conv2D(4, 3, strides=2, name="strided"), x)
    x = add(layers.Conv2D(4, 1, name="equal"), x)
    x = add(layers.ReLU(name="equal_relu"), x)
    x = add(layers.MaxPooling2D(name="pool"), x)
    found = tap_rule.find(x, 32)
    assert list(found) == ["narrow", "equal_relu"]
    assert found["narrow"] is block
