"""How long the exits take to be trained alone, measured by a few batches."""

import dataclasses
import time
from collections.abc import Callable

import numpy as np

from elf_keras.data import splits
from elf_keras.models.multi_exit_model import MultiExitModel
from elf_keras.training import held_features

# Steps that are timed, after the first one, which traces the graph.
_STEPS = 6
# Times that an image's features are computed, the second half of them timed.
_IMAGES = 6 * held_features.READ


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
    image, held = _images(model, data.train)
    if len(held.features) == 1:
        return Cost(image, 0.0)
    copy = held_features.copy_of(model)
    timed = held_features.exit_steps(
        copy, held, objective, 1 + _STEPS, 0, last=True
    )
    ends = [time.perf_counter() for _ in timed]
    return Cost(image, float(np.median(np.diff(ends))))


def _images(model, examples):
    """Seconds of an image's features, reading included, and some features.

    The first batch traces the graph, and some are read meanwhile: they do not
    count. Photos of one class may all be large: both halves come from all over
    the split, images of few several times.
    """
    rows = np.arange(_IMAGES) * len(examples) // _IMAGES
    few = examples.take(np.concatenate([rows[::2], rows[1::2]]))
    reading, parts, ends = held_features.backbone_part(model), [], []
    for part in held_features.batches(reading, few):
        parts.append([np.asarray(each) for each in part])
        ends.append(time.perf_counter())
    features = [np.concatenate(each) for each in zip(*parts, strict=True)]
    held = held_features.Held(features, few.labels)
    half = _IMAGES // held_features.READ // 2
    return (ends[-1] - ends[half - 1]) / (_IMAGES // 2), held


# Where no exits are trained alone.
FREE = Cost(0.0, 0.0)
