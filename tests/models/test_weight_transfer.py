"""Weights between models with and without early exits, in every direction."""

import keras
import numpy as np
import pytest
from run_states import same

from elf_keras import models
from elf_keras.errors import InputError
from elf_keras.models import bilateral
from elf_keras.training import prior_correction

SHAPE, CLASSES = (8, 8, 1), 4


def built(exits, *, seed, cosine=False):
    keras.utils.set_random_seed(seed)
    heads = models.Heads(cosine=cosine)
    options = {"backbone": "resnet8", "exits": exits, "heads": heads}
    model = models.build(SHAPE, CLASSES, **options)
    # Biases, statistics and scales begin alike: told apart here.
    random = np.random.default_rng(seed)
    model.set_weights(
        [random.uniform(0.1, 0.9, w.shape) for w in model.get_weights()]
    )
    return model


def of_exit(model, name):
    """Weights of an exit's head and classifier, in order."""
    return [
        weight
        for layer in model.layers
        if layer.name == name or layer.name.startswith(f"{name}_")
        for weight in layer.get_weights()
    ]


def of_backbone(model):
    return [
        weight
        for layer in model.layers
        if not layer.name.startswith("exit_")
        for weight in layer.get_weights()
    ]


def taken(exits, source_exits):
    """The model and its source, each before, and what was said."""
    model, source = built(exits, seed=1), built(source_exits, seed=2)
    fresh = built(exits, seed=1)
    return model, source, fresh, models.take_over(model, source)


@pytest.mark.slow
def test_from_a_bare_backbone_to_a_model_with_exits():
    model, source, fresh, said = taken("all", "none")
    assert same(of_backbone(model), of_backbone(source))
    assert same(of_exit(model, "exit_4"), of_exit(source, "exit_1"))
    for name in ("exit_1", "exit_2", "exit_3"):
        assert same(of_exit(model, name), of_exit(fresh, name))
    count = sum(bool(layer.weights) for layer in source.layers)
    assert said.startswith(
        f"{count} layers start from given weights: {count - 1} of {count - 1} "
        "of the backbone, 0 of 3 heads, the final classifier; random: "
        "exit_1_1_conv"
    )


@pytest.mark.slow
def test_from_a_model_with_exits_to_a_bare_backbone():
    model, source, _, said = taken("none", "all")
    assert same(of_backbone(model), of_backbone(source))
    assert same(of_exit(model, "exit_1"), of_exit(source, "exit_4"))
    assert "no head, the final classifier; random: none; not used: " in said
    tap = models.tap_names(source)[1]
    assert f"head at {tap}" in said.partition("not used")[2]


def test_a_head_is_known_by_the_layer_that_it_reads():
    model, source, fresh, said = taken("2,3", "1,2")
    assert same(of_exit(model, "exit_1"), of_exit(source, "exit_2"))
    assert same(of_exit(model, "exit_2"), of_exit(fresh, "exit_2"))
    assert same(of_exit(model, "exit_3"), of_exit(source, "exit_3"))
    assert "1 of 2 heads, the final classifier; random: exit_2_1_conv" in said
    assert said.endswith(f"not used: head at {models.tap_names(source)[0]}")


def test_the_same_exits_take_over_all():
    model, source, _, said = taken("all", "all")
    assert same(model.get_weights(), source.get_weights())
    assert said.endswith("3 of 3 heads, the final classifier; random: none")


@pytest.mark.parametrize(
    "heads", [models.Heads("pooled"), models.Heads("conv", stride=1)]
)
def test_a_head_of_another_form_stays_fresh(heads):
    """All shapes fit, but its kernels saw other maps."""
    options = {"backbone": "resnet8", "exits": "2,3"}
    shape = (16, 16, 1)
    source = models.build(shape, CLASSES, heads=models.Heads("conv"), **options)
    model = models.build(shape, CLASSES, heads=heads, **options)
    shapes = [
        {w.path: w.shape for w in each.weights} for each in (model, source)
    ]
    assert shapes[0] == shapes[1]
    before = of_exit(model, "exit_1")
    said = models.take_over(model, source)
    assert "0 of 2 heads, the final classifier" in said
    assert same(of_exit(model, "exit_1"), before)
    assert same(of_backbone(model), of_backbone(source))


def test_layers_that_are_to_stay_fresh():
    model, source = built("all", seed=1), built("all", seed=2)
    said = models.take_over(model, source, but=model.output_names)
    heads = "3 of 3 heads (3 without their classifiers)"
    assert f"{heads}, no final classifier; random: exit_1, " in said
    for name in model.output_names:
        ends = [each.get_layer(name).get_weights() for each in (model, source)]
        assert not same(*ends)
    assert same(of_backbone(model), of_backbone(source))


def test_layers_of_a_deeper_backbone_are_said_to_be_left():
    """Equal names and shapes fit; what came between them does not."""
    keras.utils.set_random_seed(3)
    source = models.build(SHAPE, CLASSES, backbone="resnet20", exits="none")
    model = built("none", seed=1)
    deeper = sum(bool(layer.weights) for layer in source.layers)
    count = sum(bool(layer.weights) for layer in model.layers)
    said = models.take_over(model, source)
    assert f"{count - 1} of {count - 1} of the backbone" in said
    left = f"{deeper - count} layers of its backbone"
    assert said.endswith(f"random: none; not used: {left}")


def test_two_branches_begin_with_a_backbone():
    """Their classifier reads twice the features, and stays fresh."""
    keras.utils.set_random_seed(1)
    model = bilateral.build(SHAPE, CLASSES, backbone="resnet8")
    said = models.take_over(model, built("all", seed=2))
    assert "no head, no final classifier; random: " in said


def test_a_correction_for_the_prior_is_not_taken_over():
    source = built("none", seed=2, cosine=True)
    corrected = prior_correction.shifted(source, np.ones((1, CLASSES)))
    model = built("all", seed=1, cosine=True)
    said = models.take_over(model, corrected)
    assert "the final classifier" in said
    assert same(of_exit(model, "exit_4"), of_exit(source, "exit_1"))


@pytest.mark.parametrize("cosine", [False, True])
@pytest.mark.parametrize("corrected", [False, True])
def test_a_plain_and_a_cosine_classifier_do_not_fit(cosine, corrected):
    """By shape they may: a kernel with a bias, class vectors with a shift."""
    source = built("none", seed=2, cosine=cosine)
    if corrected:
        source = prior_correction.shifted(source, np.ones((1, CLASSES)))
    model = built("none", seed=1, cosine=not cosine)
    before = of_exit(model, "exit_1")
    assert "no final classifier" in models.take_over(model, source)
    assert same(of_exit(model, "exit_1"), before)
    assert same(of_backbone(model), of_backbone(source))


def test_a_model_of_other_layers():
    source = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
    with pytest.raises(InputError, match="no layer of .* by name and shape"):
        models.take_over(built("all", seed=1), source)
