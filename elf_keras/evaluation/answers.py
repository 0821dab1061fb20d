"""What every exit says of every image of a split, without the raw scores.

Thresholds need an exit's best class and its certainty alone: `(images,
exits)` numbers, where raw scores are `(images, exits, classes)`. Scores come
part by part, are reduced, and are let go.
"""

import dataclasses
from collections.abc import Iterable

import keras
import numpy as np

from elf_keras.data import splits
from elf_keras.evaluation import calibration, prediction
from elf_keras.exits import exit_rule
from elf_keras.exits.answer_rule import PLAIN, AnswerRule
from elf_keras.exits.thresholds import ExitThresholds

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

    def leave(self, thresholds: ExitThresholds) -> prediction.Prediction:
        """What a dynamic model answers at exit thresholds."""
        return prediction.leave(self.classes, self.certainty, thresholds)


def of_parts(
    parts: Iterable[np.ndarray],
    labels: np.ndarray,
    rule: AnswerRule = PLAIN,
) -> Answers:
    """Reduce logits part by part.

    Args:
      parts: logits, each `(images of the part, exits, classes)`.
      labels: of all images, `(images,)`.
      rule: how the model answers.
    """
    reduced = [_reduced(rows, rule) for part in parts for rows in _pieces(part)]
    return Answers(labels, *map(np.concatenate, zip(*reduced, strict=True)))


def collect(
    model: keras.Model,
    examples: splits.Examples,
    rule: AnswerRule = PLAIN,
    *,
    fit: calibration.TemperatureFit | None = None,
    weights: np.ndarray | None = None,
) -> Answers:
    """Run a model over a split, once.

    Args:
      model: a multi-exit model.
      examples: the split.
      rule: how the model answers.
      fit: is shown all logits on the way.
      weights: of the images, `(images,)`, for `fit`.
    """
    parts = prediction.score_parts(model, examples)
    if fit is not None:
        parts = _shown(parts, fit, examples.labels, weights)
    return of_parts(parts, examples.labels, rule)


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


def _reduced(logits, rule):
    probabilities = rule.probabilities(logits)
    joint = probabilities.mean(1)
    if rule.exit_weights is not None:
        joint = exit_rule.sum_of_exits(logits, rule.exit_weights)
    return (
        logits.argmax(-1).astype("int32"),
        rule.certainty(logits),
        probabilities.max(-1),
        joint.argmax(-1).astype("int32"),
    )
