"""Any Keras model as a backbone: its features stay, only exits are new."""

import given_models
import keras
import numpy as np
import pytest
from given_models import SHAPE
from keras import layers

from elf_keras import models
from elf_keras.deploy import measure, tflite_chain
from elf_keras.errors import InputError
from elf_keras.exits import exit_rule
from elf_keras.models import multiply_adds
from elf_keras.models.layers import BatchNormalization

IMAGES = np.random.default_rng(1).integers(256, size=(3, *SHAPE))
IMAGES = IMAGES.astype("float32")


def build(model, shape=SHAPE, **options):
    return models.build(shape, 5, backbone=model, **options)


def outputs(model, *names):
    found = [model.get_layer(name).output for name in names]
    return keras.Model(model.inputs[0], found)(IMAGES)


def test_features_are_those_of_the_model_at_every_place():
    model = given_models.plain()
    names = ["stem", "first_add", "second_add", "third_add"]
    expected = outputs(model, *names)
    built = build(model)
    assert models.tap_names(built) == names[1:]
    for found, wished in zip(outputs(built, *names), expected, strict=True):
        np.testing.assert_allclose(found, wished, rtol=1e-4, atol=1e-5)
    # Copies: the model that was given stays as it is.
    built.get_layer("stem").kernel.assign(np.zeros((3, 3, 3, 6)))
    np.testing.assert_array_equal(outputs(model, "stem"), expected[0])


def test_normalizations_are_ours_with_their_own_epsilon():
    built = build(given_models.plain())
    norm = built.get_layer("first_norm")
    assert type(norm) is BatchNormalization
    assert (norm.epsilon, norm.momentum) == (0.01, 0.9)


@pytest.mark.parametrize("axis", [2, 1])
def test_a_normalization_of_another_axis_stays(axis):
    image = keras.Input(SHAPE)
    x = layers.Conv2D(6, 3, padding="same")(image)
    x = layers.BatchNormalization(axis=axis, name="odd")(x)
    model = given_models.trained(keras.Model(image, x))
    built = build(model, exits="none")
    assert type(built.get_layer("odd")) is layers.BatchNormalization
    found, wished = outputs(built, "odd"), outputs(model, "odd")
    np.testing.assert_allclose(found, wished, rtol=1e-4, atol=1e-5)


@pytest.mark.slow
def test_what_a_normalization_learnt_of_its_images_stays(tmp_path):
    first = layers.Normalization(name="adapted")
    model = given_models.plain(first)
    first.adapt(IMAGES)
    model.save(tmp_path / "adapted.keras")
    for source in (model, str(tmp_path / "adapted.keras")):
        built = build(source)
        models.save(built, tmp_path / "model.keras")
        again = models.load(tmp_path / "model.keras")
        for each in (built, again):
            pixels = np.array(outputs(each, "adapted"))
            assert pixels.mean((0, 1, 2)) == pytest.approx(0, abs=1e-5)
            assert pixels.std((0, 1, 2)) == pytest.approx(1, abs=1e-4)


def test_pixels_are_handed_on_as_they_are_unless_told_otherwise():
    model = given_models.plain()
    found = outputs(build(model), "rescaling")
    np.testing.assert_allclose(found, IMAGES / 255, rtol=1e-6)
    pixels = models.Pixels(100.0, 50.0)
    found = outputs(build(model, pixels=pixels), "rescaling")
    np.testing.assert_allclose(found, (IMAGES - 100) / 50 / 255, atol=1e-6)


def test_a_model_inside_is_taken_apart_and_what_it_froze_can_learn():
    model = given_models.tutorial()
    built = build(model)
    names = {layer.name for layer in built.layers}
    assert models.tap_names(built) == ["first_add", "second_add", "third_add"]
    assert not {"flipped", "turned", "pooled", "dropped", "classes"} & names
    inner = model.get_layer("plain")
    found, wished = outputs(built, "third_add"), inner(IMAGES)
    np.testing.assert_allclose(found, wished, rtol=1e-4, atol=1e-5)
    assert built.get_layer("stem").trainable
    norm = built.get_layer("first_norm")
    before = np.array(norm.moving_mean)
    built(IMAGES, training=True)
    assert not np.array_equal(norm.moving_mean, before)


def test_layers_of_one_name_get_that_of_their_model_in_front():
    """Also what bears a name that exits need; a shared layer stays one."""
    parts = []
    for name in ("left", "right"):
        start = keras.Input((None, None, 4))
        end = layers.Conv2D(4, 3, padding="same", name="conv")(start)
        parts.append(keras.Model(start, end, name=name))
    image = keras.Input(SHAPE, name="photo")
    shared = layers.Conv2D(4, 1, name="exit_1")
    x = shared(layers.Conv2D(4, 3, name="normalize")(image))
    x = shared(parts[1](parts[0](x)))
    model = given_models.trained(keras.Model(image, x, name="whole"))
    built = build(model, exits="none")
    names = [layer.name for layer in built.layers]
    wished = ["whole_normalize", "whole_exit_1", "conv", "right_conv"]
    assert sorted(set(wished) & set(names)) == sorted(wished)
    features = keras.Model(built.input, built.get_layer("exit_1_pool").input)
    np.testing.assert_allclose(features(IMAGES), model(IMAGES), rtol=1e-4)


@pytest.mark.slow
def test_stages_costs_files_and_exports(tmp_path):
    model = build(given_models.tutorial(), exits="1,2")
    expected = np.asarray(exit_rule.stack_exits(model(IMAGES)))
    costs = multiply_adds.exit_costs(model)
    stages = [multiply_adds.layer_macs(stage) for stage in models.stages(model)]
    np.testing.assert_array_equal(np.cumsum(stages), costs.with_heads)
    # The stem and one convolution of the first block, at 16 x 16 pixels.
    assert costs.without_heads[0] == 16 * 16 * 9 * (3 * 6 + 6 * 6)
    models.save(model, tmp_path / "model.keras")
    found = models.load(tmp_path / "model.keras")(IMAGES)
    np.testing.assert_array_equal(exit_rule.stack_exits(found), expected)
    tflite_chain.write(model, tmp_path, variants=["float32"], images=IMAGES)
    chain = measure.open_files(tmp_path / "float32", "stage")
    found = measure.chain_logits(chain, IMAGES)
    np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-3)


def cut(make, shape=SHAPE):
    image = keras.Input(shape)
    return keras.Model(image, make(image))


def two_inputs():
    first, second = keras.Input(SHAPE), keras.Input(SHAPE)
    return keras.Model([first, second], layers.Add()([first, second]))


def two_outputs():
    model = given_models.plain()
    return keras.Model(model.input, [model.output, model.output])


def inner_outputs():
    inner = two_outputs()
    return cut(lambda image: inner(image)[0])


class Custom(layers.Conv2D):
    """A layer of a user's own."""


def pooled_on_two_paths():
    def make(image):
        x = layers.Conv2D(4, 3, name="fork")(image)
        paths = [layers.Conv2D(4, 3, name=f"path_{n}")(x) for n in "ab"]
        return layers.Concatenate()(
            [layers.GlobalAveragePooling2D()(path) for path in paths]
        )

    return cut(make)


def custom():
    return cut(
        lambda image: layers.Lambda(lambda x: x, name="odd")(
            Custom(4, 3, name="mine")(image)
        )
    )


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (two_inputs, "has 2 inputs; expected a model of one image"),
        (two_outputs, "has 2 outputs; expected a model of one image"),
        (inner_outputs, "its inner model .* has 2 outputs"),
        (custom, r"mine \(Custom\), .*odd \(Lambda\).* keras.layers alone"),
        (lambda: keras.Sequential([layers.Dense(3)]), "without a graph"),
        (
            lambda: build(given_models.plain()),
            "exits already; name the backb.*--weights",
        ),
        (lambda: cut(layers.Flatten()), "no spatial features"),
        (
            lambda: cut(lambda x: layers.Dense(3)(layers.Flatten()(x))),
            "no spatial features",
        ),
        (pooled_on_two_paths, "from fork on.*path_[ab].*every path"),
        (lambda: cut(layers.Dense(3), (7,)), r"shape \(7,\), expected images"),
        (
            lambda: given_models.plain(shape=(96, 64, 3)),
            "takes images of 96 x 64 x 3, these are of 16 x 16 x 3 .*; give "
            r"images of its side \(--image_size, without --magnif",
        ),
        (
            lambda: given_models.plain(shape=(None, None, 1)),
            "takes images of any x any x 1, these are of 16 x 16 x 3",
        ),
        (
            lambda: cut(layers.Conv2D(4, 17), (None, None, 3)),
            r"cannot be built for images of \(16, 16, 3\)",
        ),
        (
            lambda: cut(layers.MaxPooling2D(data_format="channels_first")),
            "MaxPooling2D.* channels first",
        ),
    ],
)
def test_what_is_no_backbone_is_refused_in_one_line(make, says):
    with pytest.raises(InputError, match=says) as caught:
        build(make())
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "shape", [(None, None, 3), (16, None, 3)], ids=["any", "one side"]
)
def test_a_model_for_any_size_takes_this_one(shape):
    built = build(given_models.plain(shape=shape))
    assert built.input_shape == (None, *SHAPE)
    assert models.tap_names(built)[0] == "first_add"


def test_precision_is_that_of_the_training_but_for_pixels():
    model = given_models.plain()
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        built = build(model)
        half = given_models.plain()
    finally:
        keras.config.set_dtype_policy("float32")
    kinds = {layer.name: layer.compute_dtype for layer in built.layers}
    assert (kinds["stem"], kinds["rescaling"]) == ("bfloat16", "float32")
    assert {each.compute_dtype for each in build(half).layers} == {"float32"}
