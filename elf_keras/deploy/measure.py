"""Scores and times of exported TFLite files, on the runtime that ships.

Quantization moves confidences, and kernels differ between runtimes: what a
manifest promises is measured with the interpreter that phones use.
"""

import pathlib
import time

import numpy as np

from elf_keras import runs
from elf_keras.deploy import chain_runner

ROUNDS = 30


def open_file(path: pathlib.Path, signature: str | None = None):
    """Load a TFLite file, or one signature of it, as a stage, one thread."""
    # The runtime announces its delegate.
    with runs.silenced():
        content = path.read_bytes()
        if signature is None:
            return chain_runner.Stage(content)
        return SignatureStage(content, signature)


class SignatureStage(chain_runner.Stage):
    """A stage in a file of several, which invoke() would not reach.

    Args:
      content: bytes of the file.
      signature: a name in it.
    """

    def __init__(self, content: bytes, signature: str):
        from ai_edge_litert.interpreter import Interpreter

        interpreter = Interpreter(model_content=content, num_threads=1)
        self._call = interpreter.get_signature_runner(signature)
        self._describe(self._call)
        self._found = {}

    def run(self, given):
        """Scores `(classes,)` in float32."""
        (name,) = self.inputs
        self._found = self._call(**{name: self.encode(given)})
        (exit_name,) = self._found.keys() - {"features"}
        quantization = self.outputs[exit_name]["quantization"]
        return chain_runner.real(self._found[exit_name], quantization)[0]

    def features(self):
        """What the next stage takes, of the last image that was run."""
        return self._found["features"], self._features["quantization"]


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
        given, row = stages[0].encode(image[None]), []
        for number, stage in enumerate(stages):
            if number:
                given = stages[number - 1].features()
            row.append(stage.run(given))
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
        given = stages[0].encode(images[number % len(images)][None])
        row = []
        for before, stage in zip([None, *stages], stages, strict=False):
            began = time.perf_counter()
            stage.run(before.features() if before else given)
            row.append(1000 * (time.perf_counter() - began))
        times.append(row)
    return np.median(times[3:], axis=0).tolist()
