import keras
import numpy as np
import pytest

from elf_keras import models
from elf_keras.choices import EXIT_HEADS
from elf_keras.errors import InputError
from elf_keras.exits import exit_rule
from elf_keras.models.exit_heads import Heads
from elf_keras.models.multi_exit_model import MultiExitModel

SHAPE = (8, 8, 3)


def small(**options):
    return models.build(SHAPE, 5, backbone="resnet8", **options)


@pytest.fixture(scope="module")
def model():
    keras.utils.set_random_seed(0)
    return small(exits="1,3", heads=Heads("separable"))


@pytest.fixture(scope="module")
def images():
    return np.random.default_rng(0).integers(256, size=(4, *SHAPE))


def test_resnet32_has_its_published_number_of_parameters():
    model = models.build((32, 32, 3), 10, exits="none")
    trainable = sum(weight.numpy().size for weight in model.trainable_weights)
    assert trainable == 464_154
    assert model.count_params() == 466_426
    assert model.output_names == ["exit_1"]
    assert type(model) is MultiExitModel
    assert model.name == "resnet32"


@pytest.mark.parametrize(
    ("exits", "taps"),
    [("all", [0, 1, 2]), ("none", []), ("3", [2]), ("2,1", [0, 1])],
)
def test_chosen_exits_are_numbered_from_the_input_on(exits, taps):
    model = small(exits=exits)
    assert set(model.output) == set(exit_rule.exit_names(len(taps) + 1))
    assert models.exits(model) == len(taps) + 1
    assert {each.shape for each in model.output.values()} == {(None, 5)}
    names = ["stem_relu", "group_1_block_1_relu", "group_2_block_1_relu"]
    taps = [names[tap] for tap in taps]
    assert models.tap_names(model) == [*taps, "group_3_block_1_relu"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"exits": "4"}, "exits '4'.*1, 2, 3"),
        ({"backbone": "resnet31"}, "'resnet31'.*'resnet32'"),
        (
            {"backbone": "resnet50", "image_shape": (64, 31, 3)},
            "side 31 .*at least 32",
        ),
        ({"classes": 1}, "classes.*1"),
        ({"heads": Heads(filters=((8, 8),))}, "1 pairs for 3 early exits"),
        ({"pixels": models.Pixels(127.5, [1.0, 0.0, 1.0])}, "deviation"),
    ],
)
def test_wrong_requests_are_refused_in_one_line(options, message):
    small = {"image_shape": SHAPE, "classes": 5, "backbone": "resnet8"}
    with pytest.raises(InputError, match=message) as caught:
        models.build(**{**small, **options})
    assert "\n" not in str(caught.value)


def test_heads_of_a_cifar_resnet_are_pooled_unless_another_is_named():
    both = [small(), small(heads=Heads("pooled"))]
    auto, pooled = ([layer.name for layer in each.layers] for each in both)
    assert auto == pooled
    assert "exit_1_reduce" in auto


def test_filters_of_each_early_exit():
    model = small(exits="1,3", heads=Heads(filters=((4, 6), (8, 10))))
    names = ["exit_1_1_conv", "exit_1_2_conv", "exit_2_1_conv", "exit_2_2_conv"]
    found = [model.get_layer(name).filters for name in names]
    assert found == [4, 6, 8, 10]
    assert models.build(SHAPE, 5, exits="2").get_layer(names[0]).filters == 64


@pytest.mark.slow
@pytest.mark.parametrize("exit_head", EXIT_HEADS)
@pytest.mark.parametrize(
    ("shape", "cosine"), [((4, 4, 1), True), ((9, 6, 3), False)]
)
def test_grey_odd_and_small_images(exit_head, shape, cosine):
    model = models.build(
        shape, 3, backbone="resnet8", heads=Heads(exit_head, cosine=cosine)
    )
    scores = exit_rule.stack_exits(model(np.full((2, *shape), 200)))
    assert scores.shape == (2, 4, 3)
    assert np.isfinite(scores).all()
    assert not cosine or np.abs(scores).max() <= 1 + 1e-6


def test_pixels_are_normalized_per_channel(images):
    mean, deviation = [120.0, 110.0, 100.0], [60.0, 50.0, 40.0]
    model = small(exits="none", pixels=models.Pixels(mean, deviation))
    normalize = keras.Model(model.input, model.get_layer("normalize").output)
    expected = (images - np.array(mean)) / np.array(deviation)
    np.testing.assert_allclose(normalize(images), expected, atol=1e-5)


def test_integer_and_float_pixels_mean_the_same(model, images):
    found = model(images.astype("uint8"))
    expected = model(images.astype("float32"))
    for name in found:
        np.testing.assert_array_equal(found[name], expected[name])


def test_stages_in_a_row_equal_the_whole(model, images):
    expected = model(images)
    stages = models.stages(model)
    assert len(stages) == 3
    features = images
    for name, stage in zip(exit_rule.exit_names(3), stages, strict=True):
        found = stage(features)
        np.testing.assert_allclose(found[name], expected[name], atol=1e-6)
        features = found.get("features")
    assert features is None
    shared = {id(w) for stage in stages for w in stage.weights}
    assert shared == {id(weight) for weight in model.weights}


def test_static_view_is_the_last_exit(model, images):
    view = models.static_view(model)
    found = view(images)
    assert list(found) == ["exit_1"]
    np.testing.assert_array_equal(found["exit_1"], model(images)["exit_3"])
    bare = small(exits="none")
    assert view.count_params() == bare.count_params()
    assert models.exits(view) == 1
    assert models.tap_names(view) == models.tap_names(bare)
    assert len(models.stages(view)) == 1


@pytest.mark.parametrize(
    ("policy", "cosine"), [("mixed_bfloat16", True), ("mixed_float16", False)]
)
def test_outputs_are_float32_under_mixed_precision(policy, cosine, images):
    keras.config.set_dtype_policy(policy)
    try:
        model = small(heads=Heads(cosine=cosine))
    finally:
        keras.config.set_dtype_policy("float32")
    assert {score.dtype.name for score in model(images).values()} == {"float32"}
    norm = model.get_layer("stem_norm")
    assert norm.compute_dtype == policy.removeprefix("mixed_")
    assert {str(weight.dtype) for weight in model.weights} == {"float32"}
