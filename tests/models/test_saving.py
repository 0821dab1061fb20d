"""Models on disk, and a half-precision model in float32."""

import contextlib

import command_runs
import exported
import keras
import numpy as np
import pytest

from elf_keras import models
from elf_keras.errors import InputError


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
    params=[("mixed_bfloat16", True), ("mixed_float16", False)],
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
    is_cosine = len(half.get_layer("exit_1").weights) == 1
    plain = exported.built(channels=1, cosine=is_cosine)
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


@pytest.mark.slow
def test_the_model_given_stays_as_it_is(pair):
    half, _ = pair
    before = half.get_config(), half.get_weights()
    models.in_float32(half)
    assert half.get_config() == before[0]
    for mine, theirs in zip(half.get_weights(), before[1], strict=True):
        np.testing.assert_array_equal(mine, theirs)


def test_neither_float32_nor_a_policy_that_is_on_changes_a_score(pair):
    half, rebuilt = pair
    with policy(half.get_layer("exit_1_1_conv").dtype_policy.name):
        found = [models.in_float32(model) for model in (half, rebuilt)]
    images = exported.images(channels=1)[:3]
    expected = rebuilt(images, training=False)
    for again in found:
        assert again.get_layer("exit_1_1_conv").compute_dtype == "float32"
        for name, logits in again(images, training=False).items():
            np.testing.assert_array_equal(logits, expected[name])


def test_the_package_registers_every_class_that_a_file_may_hold():
    known = keras.saving.get_custom_objects()
    assert {name for name in known if name.startswith("elf_keras>")} >= {
        "elf_keras>BatchNormalization",
        "elf_keras>CosineClassifier",
        "elf_keras>MultiExitModel",
        "elf_keras>ZeroPaddedShortcut",
    }


@pytest.fixture(scope="module")
def model():
    kind = {"backbone": "resnet8", "heads": models.Heads(cosine=True)}
    pixels = models.Pixels([1.0, 2.0, 3.0])
    return models.build((8, 8, 3), 5, exits="2", pixels=pixels, **kind)


LOAD = """
import sys
import numpy as np
from elf_keras import models
model = models.load(sys.argv[1])
assert type(model).__name__ == "MultiExitModel", type(model)
found = model(np.load(sys.argv[2]))
assert type(found) is dict
np.savez(sys.argv[3], **found)
"""


@pytest.mark.slow
def test_with_a_single_import_a_saved_model_answers_as_before(tmp_path, model):
    paths = [tmp_path / name for name in ("m.keras", "i.npy", "o.npz")]
    model.save(paths[0])
    images = np.random.default_rng(0).integers(256, size=(4, 8, 8, 3))
    np.save(paths[1], images)
    command_runs.succeeded(command_runs.child("-c", LOAD, *paths))
    found, expected = np.load(paths[2]), model(images)
    assert set(found) == set(expected)
    for name, logits in expected.items():
        np.testing.assert_array_equal(found[name], logits)


@pytest.mark.parametrize(
    "kind", ["missing", "text", "folder", "cut", "flipped", "code", "plain"]
)
def test_what_is_no_model_is_refused_in_one_line(tmp_path, kind, model):
    path = tmp_path / f"{kind}.keras"
    if kind == "text":
        path.write_text("no zip archive")
    elif kind == "folder":
        path.mkdir()
    elif kind in ("cut", "flipped"):
        model.save(path)
        content = bytearray(path.read_bytes())
        if kind == "cut":
            del content[-1000:]
        else:
            content[len(content) // 2] ^= 1
        path.write_bytes(content)
    elif kind in ("code", "plain"):
        # Python code in a file: safe mode does not run it.
        code = keras.layers.Lambda(lambda x: x)
        layer = code if kind == "code" else keras.layers.Dense(1)
        keras.Sequential([keras.Input((2,)), layer]).save(path)
    with pytest.raises(InputError) as caught:
        models.load(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)
