"""Chains of files that take one image, asked many at a time: for scores.

A stage can be faster than what Python does around it, and threads then wait
for each other's Python. Times are those of one image, as in use, and are not
taken here.
"""

import itertools
import math
import pathlib
from collections.abc import Iterable

import numpy as np

from elf_keras.deploy import chain_runner

# Of small images so many at a time; of larger ones so many pixels.
MOST, PIXELS = 32, 2**18
# What both ways may differ by, as a share of scores above 1.
_CLOSE = 1e-5


class _Stage(chain_runner.Stage):
    """A TFLite stage of several images."""

    def __init__(self, content, count):
        super().__init__(content)
        (takes,) = self.inputs.values()
        shape = [count, *takes["shape"][1:].tolist()]
        self._interpreter.resize_tensor_input(self._index, shape)
        self._interpreter.allocate_tensors()

    def scores(self):
        """Scores `(images, classes)` in float32."""
        return self.numbers(self._interpreter.get_tensor(self._scores))


class _OnnxStage(chain_runner.OnnxStage):
    """An ONNX stage, whose batch is free."""

    def __init__(self, content, count):
        super().__init__(content)

    def scores(self):
        """Scores `(images, classes)` in float32."""
        return self._found[0]


class Batched:
    """The stages of a variant, asked several images at a time.

    Args:
      paths: of the stages' files, in order.
      shape: of an image.

    Raises:
      RuntimeError, ValueError: where a file takes one image alone.
    """

    def __init__(self, paths: list[pathlib.Path], shape: tuple[int, ...]):
        self._count = max(1, min(MOST, PIXELS // math.prod(shape[:2])))
        self._stages = [
            (_OnnxStage if path.suffix == ".onnx" else _Stage)(
                path.read_bytes(), self._count
            )
            for path in paths
        ]

    def logits(self, images: Iterable[np.ndarray]) -> np.ndarray:
        """Logits of all exits, float32 `(images, exits, classes)`."""
        left, found = iter(images), []
        while batch := [*itertools.islice(left, self._count)]:
            # The files take so many and no fewer.
            rows = np.resize(np.arange(len(batch)), self._count)
            pixels = np.stack([batch[row] for row in rows])
            found.append(self._of(pixels)[: len(batch)])
        return np.concatenate(found)

    def answers(self, images: np.ndarray, alone: np.ndarray) -> bool:
        """Whether images are answered as each alone; `alone` are its logits."""
        found = self.logits(images)
        if found.shape != alone.shape:
            return False
        limits = _CLOSE * np.maximum(1, np.abs(alone))
        return bool((np.abs(found - alone) <= limits).all())

    def _of(self, pixels):
        given, scores = self._stages[0].encode(pixels), []
        for stage in self._stages:
            scores.append(stage.run(given))
            given = stage.features() if stage is not self._stages[-1] else None
        return np.stack(scores, axis=1)
