"""What every exit says of every image of a split, without the raw scores.

Thresholds need an exit's best class and its confidence alone: `(images,
exits)` numbers, where raw scores are `(images, exits, classes)`. Scores come
part by part, are reduced, and are let go.
"""

import dataclasses
from collections.abc import Iterable

import keras
import numpy as np

from elf_keras import calibration, exit_rule, inference
from elf_keras.data import splits


@dataclasses.dataclass(frozen=True, eq=False)
class Answers:
    """The answers of all exits on one split.

    Attributes:
      labels: true classes, `(images,)`.
      classes: predicted at each exit, `(images, exits)`.
      confidence: of the exit rule, in (0, 1], `(images, exits)`.
      probability: largest class probability of σ · scores, which calibration
        looks at; σ = 1 but for cosines. `(images, exits)`.
    """

    labels: np.ndarray
    classes: np.ndarray
    confidence: np.ndarray
    probability: np.ndarray

    @property
    def correct(self) -> np.ndarray:
        """Whether each exit is right, boolean `(images, exits)`."""
        return self.classes == self.labels[:, None]

    def leave(self, exit_threshold: float | np.ndarray) -> inference.Prediction:
        """What a dynamic model answers at s, one or `(exits,)`."""
        return inference.leave(self.classes, self.confidence, exit_threshold)


def of_scores(
    scores: np.ndarray, labels: np.ndarray, *, scale: float = 1.0
) -> Answers:
    """Reduce the scores of a split that are all there.

    Args:
      scores: raw, `(images, exits, classes)`.
      labels: `(images,)`.
      scale: σ by which the loss multiplied scores.
    """
    return of_parts([scores], labels, scale=scale)


def of_parts(
    parts: Iterable[np.ndarray], labels: np.ndarray, *, scale: float = 1.0
) -> Answers:
    """Reduce scores part by part.

    Args:
      parts: raw scores, each `(images of the part, exits, classes)`.
      labels: of all images, `(images,)`.
      scale: σ by which the loss multiplied scores.
    """
    reduced = [_reduced(part, scale) for part in parts]
    return Answers(labels, *map(np.concatenate, zip(*reduced, strict=True)))


def collect(
    model: keras.Model,
    examples: splits.Examples,
    *,
    scale: float = 1.0,
    fit: calibration.TemperatureFit | None = None,
    weights: np.ndarray | None = None,
) -> Answers:
    """Run a model over a split, once.

    Args:
      model: a multi-exit model.
      examples: the split.
      scale: σ by which the loss multiplied scores.
      fit: is shown all scores on the way.
      weights: of the images, `(images,)`, for `fit`.
    """
    parts = inference.score_parts(model, examples)
    if fit is not None:
        parts = _shown(parts, fit, examples.labels, weights)
    return of_parts(parts, examples.labels, scale=scale)


def _shown(parts, fit, labels, weights):
    start = 0
    for part in parts:
        rows = slice(start, start + len(part))
        fit.add(part, labels[rows], weights[rows])
        start += len(part)
        yield part


def _reduced(scores, scale):
    # Exit by exit: no second array of all exits' classes.
    columns = [scores[:, number] for number in range(scores.shape[1])]
    classes = [column.argmax(-1).astype("int32") for column in columns]
    confidence = [exit_rule.confidence(column) for column in columns]
    probability = confidence
    if scale != 1:
        probability = [exit_rule.confidence(scale * each) for each in columns]
    return tuple(
        np.stack(values, axis=1)
        for values in (classes, confidence, probability)
    )
