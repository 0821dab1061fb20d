"""How long the exits take to be trained alone, measured by a few batches."""

import dataclasses
import time
from collections.abc import Callable

import numpy as np

from elf_keras.data import splits
from elf_keras.models.multi_exit_model import MultiExitModel
from elf_keras.training import held_features

# Steps that are timed, after the first one, which traces the graph.
_TIMED = 6


@dataclasses.dataclass(frozen=True)
class Cost:
    """What was measured here.

    Attributes:
      image: seconds to compute an image's features.
      step: seconds of a step of the exits, of `held_features.BATCH` images.
    """

    image: float
    step: float

    def seconds(self, images: int, steps: int) -> float:
        """Time of the features of some images, and of some steps."""
        return images * self.image + steps * self.step


def measure(
    model: MultiExitModel, data: splits.Splits, objective: Callable
) -> Cost:
    """Time features and steps; the model stays as it is.

    Args:
      objective: a `CumulativeLoss` in which nobody leaves.
    """
    few = data.train.take(np.arange(min(len(data.train), held_features.BATCH)))
    times, held = [], None
    for _ in range(2):
        began = time.perf_counter()
        held = held_features.hold(model, few, 0)
        times.append((time.perf_counter() - began) / len(few))
    if len(held.features) == 1:
        return Cost(min(times), 0.0)
    copy = held_features.copy_of(model)
    timed = held_features.exit_steps(copy, held, objective, 1 + _TIMED, 0)
    ends = [time.perf_counter() for _ in timed]
    return Cost(min(times), float(np.median(np.diff(ends))))


# Where no exits are trained alone.
FREE = Cost(0.0, 0.0)
