"""What every exit says of every image of a split, without the raw scores.

Thresholds need an exit's best class and its certainty alone: `(images,
exits)` numbers, where raw scores are `(images, exits, classes)`. Scores come
part by part, are reduced, and are let go.
"""

import dataclasses
from collections.abc import Iterable

import keras
import numpy as np
from scipy import special

from elf_keras.data import splits
from elf_keras.evaluation import calibration, prediction
from elf_keras.exits import certainty, exit_rule

# Scores reduced at a time: they stay in a processor's cache.
_CACHED = 2**20


@dataclasses.dataclass(frozen=True, eq=False)
class Answers:
    """The answers of all exits on one split.

    Attributes:
      labels: true classes, `(images,)`.
      classes: predicted at each exit, `(images, exits)`.
      certainty: what the exit rule compares with s, in (0, 1],
        `(images, exits)`.
      probability: largest class probability of σ · scores, which calibration
        looks at; σ = 1 but for cosines. `(images, exits)`.
      mean_classes: predicted by the mean of all exits' class probabilities,
        softmax(σ · scores), or, of a model that was trained so, by the
        weighted sum of their scores; `(images,)`.
    """

    labels: np.ndarray
    classes: np.ndarray
    certainty: np.ndarray
    probability: np.ndarray
    mean_classes: np.ndarray

    @property
    def correct(self) -> np.ndarray:
        """Whether each exit is right, boolean `(images, exits)`."""
        return self.classes == self.labels[:, None]

    def leave(
        self, exit_threshold: float | np.ndarray
    ) -> prediction.Prediction:
        """What a dynamic model answers at s, one or `(exits,)`."""
        return prediction.leave(self.classes, self.certainty, exit_threshold)


def of_scores(
    scores: np.ndarray,
    labels: np.ndarray,
    *,
    scale: float = 1.0,
    rule: str = certainty.CONFIDENCE,
    exit_weights: np.ndarray | None = None,
) -> Answers:
    """Reduce the scores of a split that are all there.

    Args:
      scores: raw, `(images, exits, classes)`.
      labels: `(images,)`.
      scale: σ by which the loss multiplied scores.
      rule: a key of `certainty.EXIT_RULES`.
      exit_weights: α of a model that the summed scores trained, `(exits,)`.
    """
    return of_parts(
        [scores], labels, scale=scale, rule=rule, exit_weights=exit_weights
    )


def of_parts(
    parts: Iterable[np.ndarray],
    labels: np.ndarray,
    *,
    scale: float = 1.0,
    rule: str = certainty.CONFIDENCE,
    exit_weights: np.ndarray | None = None,
) -> Answers:
    """Reduce scores part by part.

    Args:
      parts: raw scores, each `(images of the part, exits, classes)`.
      labels: of all images, `(images,)`.
      scale: σ by which the loss multiplied scores.
      rule: a key of `certainty.EXIT_RULES`.
      exit_weights: α of a model that the summed scores trained, `(exits,)`.
    """
    reduced = [
        _reduced(rows, scale, rule, exit_weights)
        for part in parts
        for rows in _pieces(part)
    ]
    return Answers(labels, *map(np.concatenate, zip(*reduced, strict=True)))


def collect(
    model: keras.Model,
    examples: splits.Examples,
    *,
    scale: float = 1.0,
    rule: str = certainty.CONFIDENCE,
    exit_weights: np.ndarray | None = None,
    fit: calibration.TemperatureFit | None = None,
    weights: np.ndarray | None = None,
) -> Answers:
    """Run a model over a split, once.

    Args:
      model: a multi-exit model.
      examples: the split.
      scale: σ by which the loss multiplied scores.
      rule: a key of `certainty.EXIT_RULES`.
      exit_weights: α of a model that the summed scores trained, `(exits,)`.
      fit: is shown all scores on the way.
      weights: of the images, `(images,)`, for `fit`.
    """
    parts = prediction.score_parts(model, examples)
    if fit is not None:
        parts = _shown(parts, fit, examples.labels, weights)
    return of_parts(
        parts,
        examples.labels,
        scale=scale,
        rule=rule,
        exit_weights=exit_weights,
    )


def _shown(parts, fit, labels, weights):
    start = 0
    for part in parts:
        rows = slice(start, start + len(part))
        fit.add(part, labels[rows], weights[rows])
        start += len(part)
        yield part


def _pieces(scores):
    step = max(1, _CACHED // scores[:1].size) if len(scores) else 1
    return np.split(scores, range(step, len(scores), step))


def _reduced(scores, scale, rule, exit_weights):
    shares = special.softmax(scale * scores, axis=-1)
    joint = shares.mean(1)
    if exit_weights is not None:
        joint = exit_rule.sum_of_exits(scores, exit_weights)
    return (
        scores.argmax(-1).astype("int32"),
        certainty.of(scores, rule, scale=scale),
        shares.max(-1),
        joint.argmax(-1).astype("int32"),
    )
