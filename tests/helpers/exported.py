"""A tiny model, its SavedModel, and what its signatures must answer."""

import functools
import pathlib

import keras
import numpy as np
import shared
import tensorflow as tf

from elf_keras import models
from elf_keras.deploy import parity, saved_model
from elf_keras.deploy.serving import Serving
from elf_keras.exits import exit_rule
from elf_keras.exits.thresholds import ExitThresholds
from elf_keras.models.multi_exit_model import MultiExitModel

CLASSES, EXITS, IMAGES, SIZE = 3, 3, 32, 8
NAME, CLASS_NAMES = "tiny", ["crème brûlée", "a cat", "ostrich"]
TEMPERATURES = np.array([1.5, 2.0, 0.5], "float32")
# Thresholds of each early exit; None: nobody leaves there.
POLICIES = {
    "accurate": [0.9, None],
    "macs_25": [0.7, 0.7],
    "ms_2.5": [0.95, 0.9],
}
DEFAULT_POLICY = "accurate"
BY_NAME = ("serving_default", "static", "all_exits", *POLICIES)
SIGNATURES = (
    *("dynamic", "dynamic_jpeg", *BY_NAME),
    *(f"{name}_bytes" for name in BY_NAME),
)


def built(
    *, channels=3, exits="1,2", cosine=False, classes=CLASSES
) -> MultiExitModel:
    """Random weights, scores spread so that confidences differ."""
    keras.utils.set_random_seed(2)
    model = models.build(
        (SIZE, SIZE, channels),
        classes,
        backbone="resnet8",
        exits=exits,
        heads=models.Heads("separable", cosine=cosine),
    )
    for layer in model.layers:
        if layer.name.startswith("exit") and len(layer.weights) == 2:
            kernel, bias = layer.get_weights()
            layer.set_weights([4 * kernel, bias])
    return model


@functools.cache
def model() -> MultiExitModel:
    """The RGB model with two early exits."""
    return built()


@functools.cache
def images(channels=3) -> np.ndarray:
    """Pixel values 0 to 255, float32 `(images, size, size, channels)`."""
    random = np.random.default_rng(0)
    found = random.integers(256, size=(IMAGES, SIZE, SIZE, channels))
    found[::3] //= 4
    return found.astype("float32")


@functools.cache
def files() -> np.ndarray:
    """`images` as PNG files, `(images,)`."""
    found = [tf.io.encode_png(image) for image in np.uint8(images())]
    return np.array([file.numpy() for file in found], object)


@functools.cache
def scores() -> np.ndarray:
    """What `model` says of `images`, `(images, exits, classes)`."""
    return np.asarray(exit_rule.stack_exits(model()(images())))


@functools.cache
def thresholds() -> np.ndarray:
    """One s for each early exit, so that about a third leaves at each."""
    return parity.spread(scores()).early.astype("float32")


@functools.cache
def folder() -> pathlib.Path:
    """The SavedModel of `model` with its warm-up requests, for reading."""
    return shared.folder("exported", _save) / NAME / "1"


def _save(folder):
    place = folder / NAME / "1"
    place.mkdir(parents=True)
    saved_model.save(model(), place, serving())
    saved_model.write_warm_up(place, NAME, reference(), serving())


@functools.cache
def serving() -> Serving:
    """What the SavedModel knows beside the network."""
    policies = {"all_exits": [None, None], **POLICIES}
    return Serving(
        TEMPERATURES,
        CLASS_NAMES,
        {name: ExitThresholds.of(at) for name, at in policies.items()},
        DEFAULT_POLICY,
    )


@functools.cache
def reference() -> parity.Reference:
    """The images and what `model` says of them, at `thresholds`."""
    at = ExitThresholds.of(thresholds())
    return parity.Reference(images(), scores(), at)


@functools.cache
def signatures() -> dict:
    """The signatures of the reloaded SavedModel."""
    loaded = tf.saved_model.load(folder())
    # The signatures do not keep alive what they belong to.
    return {"keep": loaded, **loaded.signatures}


def call(signature, **inputs) -> dict[str, np.ndarray]:
    """Ask a signature; its answers as arrays."""
    found = signature(**{k: tf.constant(v) for k, v in inputs.items()})
    return {name: value.numpy() for name, value in found.items()}


def ask(name, key, given, limits=None) -> dict[str, np.ndarray]:
    """Ask the signature of that name; `limits` are thresholds of each image."""
    inputs = {} if limits is None else {"exit_threshold": limits}
    return call(signatures()[name], **{key: given}, **inputs)


def rows(values, count) -> np.ndarray:
    """The same thresholds for every image."""
    return np.tile(np.asarray(values, "float32"), (count, 1))


def limits_of(policy, count) -> np.ndarray:
    """Thresholds of a policy, for every image; 2 is above all."""
    early = POLICIES.get(policy, [None, None])
    return rows([2 if s is None else s for s in early], count)


def by_loop(scores, limits):
    """(class, confidence, exit from 1) of each image, one at a time.

    Scores are `(images, exits, classes)`, limits a row for each image.
    """
    for image, row in zip(scores, limits, strict=True):
        for number, exit_scores in enumerate(image, start=1):
            sure = softmax(exit_scores).max()
            if number == len(image) or sure > row[number - 1]:
                yield int(exit_scores.argmax()), sure, number
                break


def softmax(scores):
    """In float64, over the last axis."""
    powers = np.exp(scores.astype("float64"))
    return powers / powers.sum(-1, keepdims=True)


def check(answer, expected_scores, limits) -> np.ndarray:
    """Assert that an answer is the loop's; return the exits, from 1."""
    columns = zip(*by_loop(expected_scores, limits), strict=True)
    classes, sure, exits = map(np.array, columns)
    np.testing.assert_array_equal(answer["exit"], exits)
    np.testing.assert_array_equal(answer["class"], classes)
    np.testing.assert_allclose(answer["confidence"], sure, atol=1e-5)
    taken = expected_scores[np.arange(len(exits)), exits - 1]
    np.testing.assert_allclose(answer["scores"], taken, atol=1e-4)
    return exits
