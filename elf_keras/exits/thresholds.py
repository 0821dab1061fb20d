"""Thresholds that a loss can reach: defaults, bounds, and how to write them.

Confidence is softmax(outputs). Outputs of CE-type losses are unbounded; a
cosine classifier's lie in [-1, 1], which bounds its confidence far below 1.
Other exit rules (`certainty`) look at what the loss made of them: 1 bounds s.
"""

import dataclasses
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from elf_keras import plugins
from elf_keras.errors import InputError
from elf_keras.exits import certainty

if TYPE_CHECKING:
    import numpy

PLAIN_DEFAULT = 0.9
# Classes below which multiples of 1/C about 2 are out of reach of cosines.
_FEW = 3
_COSINE_LOSSES = ("ldam",)


@dataclasses.dataclass(frozen=True, eq=False)
class ExitThresholds:
    """Exit thresholds s of a model: the one form in which they travel.

    Attributes:
      early: s of each early exit, float64 `(exits - 1,)`, infinity where
        nobody leaves.
      number: the one s that all exits were given, or None where each has its
        own; records of scores tell it in place of a list.
    """

    early: "numpy.ndarray"
    number: float | None = None

    @classmethod
    def shared(cls, number: float, exits: int) -> "ExitThresholds":
        """One s for all of a model's exits K."""
        early = [number] * max(exits - 1, 0)
        return cls(_array(early), number)

    @classmethod
    def nobody(cls, exits: int) -> "ExitThresholds":
        """Nobody leaves before the last of K exits."""
        return cls.of([None] * (exits - 1))

    @classmethod
    def of(cls, early: Sequence[float | None]) -> "ExitThresholds":
        """One s for each early exit; None, as in files, is infinity."""
        return cls(_array([math.inf if s is None else s for s in early]))

    @classmethod
    def of_scores(cls, told: float | Sequence, exits: int) -> "ExitThresholds":
        """Read what scores in a file tell (`told`), for a model's exits K."""
        if isinstance(told, Sequence) or getattr(told, "ndim", 0):
            return cls.of(told[: max(exits - 1, 0)])
        return cls.shared(told, exits)

    @property
    def with_last(self) -> "numpy.ndarray":
        """s of each exit, infinity at the last, `(exits,)`."""
        return _array([*self.early, math.inf])

    @property
    def told(self) -> "float | numpy.ndarray":
        """What scores tell: the one number, else s of each exit."""
        return self.with_last if self.number is None else self.number

    def rows(self, images: int) -> "numpy.ndarray":
        """A row for each image of a batch, float32 `(images, exits - 1)`."""
        return self.early.astype("float32")[None].repeat(images, axis=0)

    def to_json(self) -> list[float | None]:
        """s of each early exit as files hold it: None where nobody leaves."""
        return [s if math.isfinite(s) else None for s in self.early.tolist()]

    def text(self, *, never: str = "never", digits: str = ".3g") -> str:
        """As tables in a terminal show them: one where all are the same."""
        found = self.to_json() or [self.number]
        texts = [_shown(s, never, digits) for s in found]
        return texts[0] if len(set(found)) == 1 else " ".join(texts)

    def prose(self) -> str:
        """As sentences have them: one where all of them read the same."""
        texts = [_shown(s) for s in self.to_json() or [self.number]]
        return texts[0] if len(set(texts)) == 1 else ", ".join(texts)


def _array(values):
    import numpy

    return numpy.array(values, numpy.float64)


def _shown(s, never="never", digits=".3g"):
    if s is None:
        return never
    texts = [f"{s:{digits}}", *(f"{s:.{count}g}" for count in range(3, 18))]
    # 0.9998 is not 1, which nobody exceeds, nor 1e-5 the 0 that all do.
    return next((text for text in texts if 0 < float(text) < 1), texts[0])


def of_cosines(exit_loss: str) -> bool:
    """Whether a loss takes cosines for logits: LDAM, or a plug-in's like it."""
    if exit_loss in plugins.LOSSES:
        return plugins.LOSSES[exit_loss].cosine
    return exit_loss in _COSINE_LOSSES


def symmetric_maximum(classes: int) -> float:
    """Largest confidence that all classes can reach at once with cosines.

    p_max = e / (e + (C-1) e^(-1/(C-1))): unit class vectors as far apart as
    they can be, and features on them.
    """
    others = (classes - 1) * math.exp(-1 / (classes - 1))
    return math.e / (math.e + others)


def largest_confidence(
    exit_loss: str, classes: int, total: float = 1.0
) -> float:
    """Confidence that no output can exceed: 1/(1 + (C-1) e^(-2 S)) for cosines.

    Args:
      total: S, how many cosines are summed: `AnswerRule.total`.
    """
    if not of_cosines(exit_loss):
        return 1.0
    return 1 / (1 + (classes - 1) * math.exp(-2 * total))


def default(
    exit_loss: str, classes: int, rule: str = certainty.CONFIDENCE
) -> float:
    """Papers' train_threshold t: 0.9, with LDAM 2/C where it is in reach.

    For few classes 2/C cannot be reached (C = 2: 1), so the default is
    min(2/C, 0.8 p_max). For another exit rule it is the certainty of an exit
    that gives 0.9 to one class and the rest to all others alike: whose
    largest probability is above 0.9 has at least that certainty by entropy,
    whose is not has at most that margin. By patience two exits must agree.

    Reference: HAR, Sec. IV-A and Table I.
    """
    if rule != certainty.CONFIDENCE:
        other = math.log((1 - PLAIN_DEFAULT) / (classes - 1))
        logits = [math.log(PLAIN_DEFAULT), *[other] * (classes - 1)]
        return float(certainty.of(_array([logits]), rule)[0])
    if not of_cosines(exit_loss):
        return PLAIN_DEFAULT
    return min(2 / classes, 0.8 * symmetric_maximum(classes))


def papers_grid(
    exit_loss: str, classes: int, rule: str = certainty.CONFIDENCE
) -> dict[str, float]:
    """The papers' values of s, by how they are written.

    Reference: ELF, App. B; HAR, Sec. IV-A.
    """
    if rule != certainty.CONFIDENCE:
        return {}
    if of_cosines(exit_loss):
        values = (1.5, 1.55, 1.6, 1.65, 1.7, 1.75, 1.8)
        return {f"{value:g}/C": value / classes for value in values}
    return {f"{value / 100:g}": value / 100 for value in range(50, 100, 5)}


def papers_search(exit_loss: str, classes: int) -> list[str]:
    """The papers' values of t, as `parse` reads them (HAR, Table I).

    For two classes multiples of 1/C are out of reach, and around `default`
    are others.
    """
    if of_cosines(exit_loss) and classes < _FEW:
        middle = default(exit_loss, classes)
        return [f"{share * middle:.3g}" for share in (0.85, 0.9, 0.95, 1, 1.05)]
    if of_cosines(exit_loss):
        return ["1.7/C", "1.8/C", "1.9/C", "2/C", "2.1/C"]
    return ["0.75", "0.8", "0.85", "0.9", "0.95"]


def parse(
    text: str,
    exit_loss: str,
    classes: int,
    *,
    rule: str = certainty.CONFIDENCE,
    total: float = 1.0,
    corrected: bool = False,
) -> float:
    """Read a threshold: `auto`, a number, or a multiple of 1/C as `1.5/C`.

    Args:
      rule: a key of `EXIT_RULES`; another than confidence for s alone.
      total: how many logits are summed, as in `largest_confidence`.
      corrected: whether the logits were shifted after training, by which
        they reach further than the loss let them.

    Returns:
      The threshold, in (0, 1) and within reach of the loss.

    Raises:
      InputError: where it is no number, or out of range or reach.
    """
    if text == "auto":
        return default(exit_loss, classes, rule)
    number, slash, unit = text.partition("/")
    try:
        value = float(number) / (classes if slash else 1)
    except ValueError:
        value = math.nan
    if not 0 < value < 1 or (slash and unit != "C"):
        raise InputError(
            f"threshold {text!r}: expected a number strictly between 0 and 1, "
            "a multiple of 1/C such as 1.5/C, or auto"
        )
    if rule == certainty.CONFIDENCE and not corrected:
        _check_reach(value, exit_loss, classes, total)
    return value


def _check_reach(value, exit_loss, classes, total):
    bound = largest_confidence(exit_loss, classes, total)
    if value >= bound:
        raise InputError(
            f"threshold {value:.4g} can never be exceeded: with exit loss "
            f"{exit_loss!r} and {classes} classes confidence stays below "
            f"{bound:.4g}; choose a smaller one, for example "
            f"{default(exit_loss, classes):.4g}"
        )
