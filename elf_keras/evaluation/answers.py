"""What every exit says of every image of a split, without the logits.

Thresholds need an exit's best class and its certainty alone: `(images,
exits)` numbers, where logits are `(images, exits, classes)`. They come part by
part, are reduced, and are let go. Here alone a split's logits become what its
exits answer by, their own or a running sum.
"""

import dataclasses
import itertools
from collections.abc import Iterable, Sequence

import keras
import numpy as np

from elf_keras.data import splits
from elf_keras.evaluation import calibration, prediction
from elf_keras.exits import exit_rule
from elf_keras.exits.answer_rule import PLAIN, AnswerRule
from elf_keras.exits.thresholds import ExitThresholds

# Logits reduced at a time: they stay in a processor's cache.
_CACHED = 2**20


@dataclasses.dataclass(frozen=True, eq=False)
class Answers:
    """The answers of all exits on one split.

    Attributes:
      labels: true classes, `(images,)`.
      classes: predicted at each exit, `(images, exits)`.
      certainty: what the exit rule compares with s, in (0, 1],
        `(images, exits)`.
      probability: largest of softmax(σ · answer), which calibration looks
        at, `(images, exits)`.
      mean_classes: predicted by the mean of the probabilities that exits
        give by their own logits, or, of a model that was trained so, by the
        weighted sum of their logits; `(images,)`.
      of_truth: probability of the true class, `(images, exits)`.
      calibrated: largest of softmax(answer / T) where temperatures T were
        given, `(images, exits)`.
      backbone_classes: predicted by the last exit's own logits, where it
        answers by a sum, `(images,)`.
      rank: how many classes each exit ranks above the true one, 0 where it is
        right, `(images, exits)`.
      backbone_rank: the same of the last exit's own logits, where it answers
        by a sum, `(images,)`.
    """

    labels: np.ndarray
    classes: np.ndarray
    certainty: np.ndarray
    probability: np.ndarray
    mean_classes: np.ndarray
    of_truth: np.ndarray | None = None
    calibrated: np.ndarray | None = None
    backbone_classes: np.ndarray | None = None
    rank: np.ndarray | None = None
    backbone_rank: np.ndarray | None = None

    @property
    def static_classes(self) -> np.ndarray:
        """What the backbone alone predicts, without any head, `(images,)`."""
        if self.backbone_classes is None:
            return self.classes[:, -1]
        return self.backbone_classes

    @property
    def static_rank(self) -> np.ndarray:
        """`rank` of the backbone alone, `(images,)`."""
        if self.backbone_rank is None:
            return self.rank[:, -1]
        return self.backbone_rank

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
    temperatures: np.ndarray | None = None,
) -> Answers:
    """Reduce logits, each part `(images of the part, exits, classes)`.

    Args:
      parts: of a split in order.
      labels: of all its images, `(images,)`.
      rule: how the model answers.
      temperatures: T of each exit, `(exits,)`, for `calibrated`.
    """
    return of_rules(parts, labels, [rule], temperatures)[0]


def of_rules(
    parts: Iterable[np.ndarray],
    labels: np.ndarray,
    rules: Sequence[AnswerRule],
    temperatures: np.ndarray | None = None,
) -> list[Answers]:
    """Reduce the same logits by several rules, as `of_parts` does by one."""
    found, start = [[] for _ in rules], 0
    for logits in itertools.chain.from_iterable(map(_pieces, parts)):
        rows = slice(start, start + len(logits))
        for rule, pieces in zip(rules, found, strict=True):
            pieces.append(_reduced(logits, labels[rows], rule, temperatures))
        start = rows.stop
    return [_joined(pieces) for pieces in found]


def collect(
    model: keras.Model,
    examples: splits.Examples,
    rule: AnswerRule = PLAIN,
    temperatures: np.ndarray | None = None,
) -> Answers:
    """Run a model over a split, once; arguments as in `of_parts`."""
    parts = prediction.logit_parts(model, examples)
    return of_parts(parts, examples.labels, rule, temperatures)


def with_temperatures(
    model: keras.Model,
    examples: splits.Examples,
    weights: np.ndarray,
    rule: AnswerRule = PLAIN,
) -> tuple[Answers, calibration.Temperatures]:
    """Run a model over a split, once, and fit temperatures on the way.

    Args:
      model: a multi-exit model.
      examples: the split, validation as a rule.
      weights: of its images in the fit, `(images,)`.
      rule: how the model answers.

    Returns the answers, and the temperatures.
    """
    labels = examples.labels
    fit = calibration.TemperatureFit(labels, weights, rule)
    alone = calibration.TemperatureFit(labels, weights, _Backbone(rule.scale))
    parts = prediction.logit_parts(model, examples)
    found = of_parts(alone.watch(fit.watch(parts)), labels, rule)
    (static,) = alone.temperatures().tolist()
    return found, calibration.Temperatures(fit.temperatures(), static)


@dataclasses.dataclass(frozen=True)
class _Backbone:
    """Answers by the last exit's own logits, as the bare backbone does."""

    scale: float

    def answered(self, logits):
        return logits[:, -1:]


def _pieces(logits):
    step = max(1, _CACHED // logits[:1].size) if len(logits) else 1
    return np.split(logits, range(step, len(logits), step))


def _joined(pieces):
    columns = (
        [getattr(piece, field.name) for piece in pieces]
        for field in dataclasses.fields(Answers)
    )
    return Answers(
        *(None if c[0] is None else np.concatenate(c) for c in columns)
    )


def _reduced(logits, labels, rule, temperatures):
    answered = rule.answered(logits)
    probabilities = rule.probabilities(answered)
    own, calibrated, backbone, behind = probabilities, None, None, None
    if answered is not logits:
        own = rule.probabilities(logits)
        backbone = logits[:, -1].argmax(-1).astype("int32")
        behind = _rank(logits[:, -1:], labels)[:, 0]
    joint = own.mean(1)
    if rule.exit_weights is not None:
        joint = exit_rule.sum_of_exits(logits, rule.exit_weights)
    if temperatures is not None:
        calibrated = exit_rule.confidence(answered / temperatures[:, None])
    return Answers(
        labels,
        answered.argmax(-1).astype("int32"),
        rule.certainty(answered),
        probabilities.max(-1),
        joint.argmax(-1).astype("int32"),
        probabilities[np.arange(len(logits)), :, labels],
        calibrated,
        backbone,
        _rank(answered, labels),
        behind,
    )


def _rank(logits, labels):
    """Classes above the true one, `(images, exits)`; of equals the first is."""
    own = logits[np.arange(len(logits)), :, labels][..., None]
    before = np.arange(logits.shape[-1]) < labels[:, None, None]
    return ((logits > own) | ((logits == own) & before)).sum(-1, dtype="int32")
