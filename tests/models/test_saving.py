"""A half-precision model in float32: same weights, no half layer left."""

import contextlib

import exported
import keras
import numpy as np
import pytest

from elf_keras import models


@contextlib.contextmanager
def policy(name):
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(name)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)


@pytest.fixture(
    scope="module",
    params=[
        ("mixed_bfloat16", False),
        ("mixed_bfloat16", True),
        ("mixed_float16", False),
    ],
    ids=str,
)
def pair(request):
    """A model as it was trained, and rebuilt."""
    name, cosine = request.param
    with policy(name):
        half = exported.built(channels=1, cosine=cosine)
        # As after training: moving statistics that differ from their start.
        half(exported.images(channels=1), training=True)
    return half, models.in_float32(half)


def layers(model):
    return [*model._flatten_layers(include_self=True)]


def test_no_layer_keeps_half_precision(pair):
    half, rebuilt = pair
    assert {layer.compute_dtype for layer in layers(half)} != {"float32"}
    assert len(layers(rebuilt)) == len(layers(half))
    for layer in layers(rebuilt):
        assert layer.compute_dtype == "float32", layer.name
        assert layer.dtype_policy.name == "float32", layer.name
    assert {w.dtype for w in rebuilt.weights} == {"float32"}
    outputs = rebuilt.output.values()
    assert {output.dtype for output in outputs} == {"float32"}


def test_weights_are_the_same_and_not_shared(pair):
    half, rebuilt = pair
    assert rebuilt.name == half.name
    for mine, theirs in zip(rebuilt.weights, half.weights, strict=True):
        assert mine is not theirs
        np.testing.assert_array_equal(mine, theirs)


def test_scores_are_those_of_the_same_net_in_float32(pair):
    """Exactly those of a net built so, and close to the half ones."""
    half, rebuilt = pair
    images = exported.images(channels=1)[:8]
    plain = exported.built(channels=1, cosine=half_is_cosine(half))
    plain.set_weights(half.get_weights())
    expected = plain(images, training=False)
    rounded = half(images, training=False)
    found = rebuilt(images, training=False)
    assert [*found] == ["exit_1", "exit_2", "exit_3"]
    for name, scores in found.items():
        np.testing.assert_allclose(scores, expected[name], atol=1e-6)
        size = np.abs(scores).max()
        np.testing.assert_allclose(scores, rounded[name], atol=0.05 * size)
        assert np.abs(scores - rounded[name]).max() > 0


def half_is_cosine(model):
    return len(model.get_layer("exit_1").weights) == 1


def test_the_model_given_stays_as_it_is(pair):
    half, _ = pair
    before = half.get_config(), half.get_weights()
    models.in_float32(half)
    assert half.get_config() == before[0]
    for mine, theirs in zip(half.get_weights(), before[1], strict=True):
        np.testing.assert_array_equal(mine, theirs)


def test_a_policy_that_is_still_on_changes_no_score(pair):
    half, rebuilt = pair
    with policy(half.get_layer("exit_1_1_conv").dtype_policy.name):
        again = models.in_float32(half)
    assert again.get_layer("exit_1_1_conv").compute_dtype == "float32"
    images = exported.images(channels=1)[:3]
    found = again(images, training=False)
    for name, scores in rebuilt(images, training=False).items():
        np.testing.assert_array_equal(found[name], scores)


def test_float32_stays_float32():
    model = exported.model()
    rebuilt = models.in_float32(model)
    images = exported.images()[:2]
    for name, scores in rebuilt(images, training=False).items():
        own = model(images, training=False)[name]
        np.testing.assert_allclose(scores, own, atol=1e-6)
