"""Milliseconds of each stage: from an export's manifest, or measured here.

A manifest's times are those of the files that ship. Without one the model's
own stages are timed as compiled graphs, one image at a time: good for
comparing thresholds on this machine, not for promising times on another.
"""

import dataclasses
import pathlib
import time

import keras
import numpy as np
import tensorflow as tf

from elf_keras import models, runs
from elf_keras.errors import InputError

ROUNDS, WARM_UP = 30, 3


@dataclasses.dataclass(frozen=True)
class StageTimes:
    """Milliseconds of one image: each stage's, and the bare backbone's.

    `source` says what was timed, and where.
    """

    stages: list[float]
    static: float
    source: str


def measure(model: keras.Model, images: np.ndarray) -> StageTimes:
    """Medians over `ROUNDS` images `(images, height, width, channels)`."""
    stages = [_graph(stage) for stage in models.stages(model)]
    bare = [_graph(models.static_view(model))]
    return StageTimes(
        _medians(stages, images),
        _medians(bare, images)[0],
        "Keras stages as graphs on this machine, one image at a time, "
        f"medians of {ROUNDS}",
    )


def of_export(
    folder: pathlib.Path, variant: str | None, *, exits: int, name: str
) -> StageTimes:
    """Read the times of a chain in an export's manifest.

    Args:
      variant: None is float32, else the first one.
      exits: of the model that it has to be of.
      name: of the export, as messages call it.

    Raises:
      InputError: where there is no such variant, or it has other exits.
    """
    path = folder / "manifest.json"
    with runs.refusing(f"{path} is damaged", "export the run again"):
        variants = {**(runs.read_json(path).get("variants") or {})}
    if variant is None and variants:
        variant = "float32" if "float32" in variants else [*variants][0]
    if variant not in variants:
        asked = f"variant {variant!r}" if variant else "a chain"
        raise InputError(
            f"--export={folder}: {path.name} has no times of {asked}; it has: "
            f"{', '.join(variants) or 'none'}"
        )
    with runs.refusing(f"{path} is damaged", "export the run again"):
        found = variants[variant]
        times = [float(at["milliseconds"]) for at in found["stages"]]
        static = float(found["static"]["milliseconds"])
    if len(times) != exits:
        raise InputError(
            f"--export={folder} has {len(times)} stages, this run has {exits} "
            "exits; name the export of this run"
        )
    source = f"{name}, {variant}, as measured by elf-keras export"
    return StageTimes(times, static, source)


def _graph(stage):
    return tf.function(lambda tensor: stage(tensor, training=False))


def _medians(stages, images):
    rows = []
    for number in range(WARM_UP + ROUNDS):
        image = np.asarray(images[number % len(images)], "float32")
        tensor, row = tf.constant(image[None]), []
        for stage in stages:
            began = time.perf_counter()
            outputs = stage(tensor)
            for output in outputs.values():
                # An accelerator answers before it has finished.
                output.numpy()
            row.append(1000 * (time.perf_counter() - began))
            tensor = outputs.get("features")
        rows.append(row)
    return np.median(rows[WARM_UP:], axis=0).tolist()
