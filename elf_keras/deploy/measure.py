"""Scores and times of exported TFLite files, on the runtime that ships.

Quantization moves confidences, and kernels differ between runtimes: what a
manifest promises is measured with the interpreter that phones use.
"""

import pathlib
import time

import numpy as np

from elf_keras import silence
from elf_keras.deploy import chain_runner

ROUNDS = 30


def open_file(path: pathlib.Path, signature: str | None = None):
    """Load one TFLite file as a stage, one thread."""
    # The runtime announces its delegate.
    with silence.standard_error():
        return chain_runner.Stage(path.read_bytes(), signature=signature)


def chain_scores(stages: list, images: np.ndarray) -> np.ndarray:
    """Run all stages for every image, whatever an exit says.

    Args:
      stages: loaded files, in order.
      images: pixel values 0 to 255, `(images, …)`.

    Returns:
      float32 scores, `(images, exits, classes)`.
    """
    scores = []
    for image in images:
        tensor, row = stages[0].encode(image[None]), []
        for stage in stages:
            found, tensor = stage.run(tensor)
            row.append(found)
        scores.append(row)
    return np.asarray(scores, "float32")


def milliseconds(
    stages: list, images: np.ndarray, rounds: int = ROUNDS
) -> list[float]:
    """Return the median time of each stage, one thread, warmed up.

    Args:
      stages: loaded files, each fed with what the one before gives.
      images: pixel values 0 to 255; one after the other is used.
      rounds: timed runs of the whole chain.
    """
    times = []
    for number in range(rounds + 3):
        tensor = stages[0].encode(images[number % len(images)][None])
        row = []
        for stage in stages:
            began = time.perf_counter()
            _, tensor = stage.run(tensor)
            row.append(1000 * (time.perf_counter() - began))
        times.append(row)
    return np.median(times[3:], axis=0).tolist()
