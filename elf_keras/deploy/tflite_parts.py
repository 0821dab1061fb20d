"""The parts of a model that become TFLite files: its stages, and its exits."""

import dataclasses
from collections.abc import Callable

import keras
import numpy as np

from elf_keras import models
from elf_keras.deploy import graphs
from elf_keras.exits import exit_rule

# Samples that pass a stage at a time.
BATCH = 32


@dataclasses.dataclass(frozen=True)
class Part:
    """What becomes one file: a function of one tensor, batch 1."""

    model: Callable  # maps `(1, …)` to a dict of named outputs
    source: str  # name of the input, `image` or `features`
    samples: np.ndarray  # that stand for real inputs, `(images, …)` float32


def of_model(model: keras.Model, images: np.ndarray) -> dict[str, Part]:
    """Return file name -> part, the stages first; `images` set int8 ranges.

    Exits are made of the same stages, so that their weights are there once.
    """
    found, features = {}, np.asarray(images, "float32")
    pixels, stages = features, []
    for number, stage in enumerate(models.stages(model), start=1):
        source = "image" if number == 1 else "features"
        stages.append(graphs.FrozenStage(stage))
        found[f"stage_{number}"] = Part(stages[-1], source, features)
        if "features" in stage.output:
            features = _features(stages[-1], features)
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
