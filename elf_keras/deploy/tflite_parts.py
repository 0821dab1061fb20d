"""The parts of a model that become TFLite files: its stages, and its exits."""

import dataclasses
from collections.abc import Callable

import keras
import numpy as np

from elf_keras import models
from elf_keras.deploy import graphs, tflite_split
from elf_keras.exits import exit_rule

# Samples that pass a stage at a time.
BATCH = 32


@dataclasses.dataclass(frozen=True)
class Part:
    """What becomes one file: a function of one tensor, batch 1."""

    model: Callable  # maps `(1, …)` to a dict of named outputs
    source: str  # name of the input, `image` or `features`
    samples: np.ndarray  # that stand for real inputs, `(images, …)` float32


def frozen(model: keras.Model) -> list[graphs.FrozenStage]:
    """Return the stages of a model, of which every part is made."""
    return [graphs.FrozenStage(stage) for stage in models.stages(model)]


def network(stages: list[graphs.FrozenStage], images: np.ndarray) -> Part:
    """All of it: image to the scores `exit_k` and what stages hand on.

    Args:
      images: that set the ranges of int8, `(images, …)`.
    """

    def call(tensor):
        found = {}
        for number, stage in enumerate(stages, start=1):
            outputs = stage(tensor)
            tensor = outputs.pop("features", None)
            found |= outputs
            if tensor is not None:
                found[f"features_{number}"] = tensor
        return found

    return Part(call, "image", np.asarray(images, "float32"))


def cuts(exits: int) -> dict[str, list[tflite_split.Cut]]:
    """Return file name -> what it holds of `network`."""
    alone, stages, source = {}, {}, ("image", "image")
    for number, name in enumerate(exit_rule.exit_names(exits), start=1):
        alone[name] = tflite_split.Cut(name, ("image", "image"), {name: name})
        gives, handed = {name: name}, f"features_{number}"
        if number < exits:
            gives["features"] = handed
        key = f"stage_{number}"
        stages[key] = tflite_split.Cut(key, source, gives)
        source = "features", handed
    files = {name: [cut] for name, cut in (stages | alone).items()}
    return files | {"stages": [*stages.values()]}


def one_by_one(
    stages: list[graphs.FrozenStage], images: np.ndarray
) -> dict[str, Part]:
    """Return name -> part, where they cannot be cut out of the network."""
    found, features = {}, np.asarray(images, "float32")
    pixels = features
    for number, stage in enumerate(stages, start=1):
        source = "image" if number == 1 else "features"
        found[f"stage_{number}"] = Part(stage, source, features)
        if "features" in stage.output:
            features = _features(stage, features)
    for number, name in enumerate(exit_rule.exit_names(len(stages)), start=1):
        found[name] = Part(_alone(stages[:number], name), "image", pixels)
    return found


def _alone(stages, name):
    """One exit; the heads before it, which nobody reads, are not converted."""

    def call(tensor):
        for stage in stages:
            outputs = stage(tensor)
            tensor = outputs.get("features")
        return {name: outputs[name]}

    return call


def _features(stage, samples):
    """What a stage hands on, few samples at a time.

    All at once, the inside of an EfficientNet of 160 pixels took 4 GB.
    """
    parts = np.split(samples, range(BATCH, len(samples), BATCH))
    return np.concatenate([stage(part)["features"] for part in parts])
