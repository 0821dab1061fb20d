"""Whether exports answer as the model does: logits, and who leaves where.

float32 logits must agree within 1e-4 max(1, |z|), and no image may take
another exit unless a certainty on its way lies within 1e-3/C of s. Where the
exit rule looks at a multiple of the logits or at their sum, the band is as
many times as wide, and narrower towards 1, where certainty hardly moves with
the logits: by at most (1 - c) 2δ of an error δ. By patience, whose steps are
whole, an image may move whose two best classes lie within what logits may
differ by.
"""

import dataclasses

import numpy as np

from elf_keras.errors import InputError
from elf_keras.exits import certainty, exit_rule
from elf_keras.exits.answer_rule import PLAIN, AnswerRule
from elf_keras.exits.thresholds import ExitThresholds

SCORE_TOLERANCE = 1e-4
BAND = 1e-3


@dataclasses.dataclass(frozen=True, eq=False)
class Reference:
    """What the Keras model says, and the thresholds to compare at."""

    images: np.ndarray  # pixel values 0 to 255, `(images, …)`
    logits: np.ndarray  # of each exit itself, `(images, exits, classes)`
    thresholds: ExitThresholds
    rule: AnswerRule = PLAIN

    @property
    def answered(self) -> np.ndarray:
        """What each exit answers by, `(images, exits, classes)`."""
        return self.rule.answered(self.logits)

    @property
    def certainty(self) -> np.ndarray:
        """What thresholds are compared with, `(images, exits)`."""
        return self.rule.certainty(self.answered)

    @property
    def exits(self) -> np.ndarray:
        """Index of the exit that each image takes, `(images,)`."""
        limits = self.thresholds.with_last
        return exit_rule.exit_taken(exit_rule.above(self.certainty, limits))

    @property
    def shares(self) -> np.ndarray:
        """Share of the images that take each exit, `(exits,)`."""
        exits = self.logits.shape[1]
        return np.bincount(self.exits, minlength=exits) / len(self.images)


def spread(logits: np.ndarray, rule: AnswerRule = PLAIN) -> ExitThresholds:
    """Thresholds at which about equally many images leave at every exit.

    Values of float32, each midway between two certainties by the rule of the
    logits, `(images, exits, classes)`.

    Raises:
      InputError: for logits that are no numbers.
    """
    sure = rule.certainty(rule.answered(logits))
    if not np.isfinite(sure).all():
        raise InputError(
            "the model answers some validation images with scores that are not "
            "numbers; train it again, at a lower --learning_rate"
        )
    found = []
    for left in range(sure.shape[1], 1, -1):
        own = sure[:, -left]
        found.append(_between(own, len(own) // left))
        sure = sure[own <= found[-1]]
    return ExitThresholds.of(found)


def _between(sure, leaving):
    """A threshold that so many certainties are above, or about as many."""
    if len(sure) < 2:
        return np.float32(0.5)
    # By patience many are alike, and so are those of saturated exits.
    values, counts = np.unique(sure, return_counts=True)
    above = np.cumsum(counts[:0:-1])
    # All alike: nobody leaves, as at the first exit by patience, unless it is
    # 1, which all of a CE model's confidences may round to.
    middle = values[-1]
    if above.size:
        nearest = int(np.abs(above - max(leaving, 1)).argmin())
        pair = values[len(values) - 2 - nearest :][:2]
        middle = np.mean(pair, dtype="float32")
    return min(middle, np.float32(1 - 2**-24))


def compare(
    reference: Reference,
    name: str,
    *,
    logits: np.ndarray | None = None,
    answered: np.ndarray | None = None,
    exits: np.ndarray | None = None,
    judged: bool = True,
) -> dict:
    """Return a row of the parity table, with the reason where it fails.

    Args:
      name: of the artefact and the way it was asked.
      logits: its exits' own, `(images, exits, classes)`; masked where it
        gives none.
      answered: what its exits answer by, likewise.
      exits: the exits it took, from 0; None where it takes none.
      judged: False for quantized variants, which are only described.
    """
    pairs = (logits, reference.logits), (answered, reference.answered)
    errors = [_error(*pair) for pair in pairs if pair[0] is not None]
    moved, outside = 0, 0
    if exits is not None:
        differs = exits != reference.exits
        moved = int(differs.sum())
        outside = int((differs & ~_close(reference)).sum())
    reasons = []
    # NaN is within no tolerance.
    if not all(each <= SCORE_TOLERANCE for each in errors):
        reasons.append(f"scores differ by more than {SCORE_TOLERANCE:g}")
    if outside:
        reasons.append(f"{outside} images take exits outside the band")
    return {
        "artefact": name,
        "images": len(reference.images),
        "score_error": float(np.max(errors)) if errors else None,
        "exits_moved": moved if exits is not None else None,
        "outside_band": outside if exits is not None else None,
        "passed": not reasons if judged else None,
        "reason": " and ".join(reasons) if judged and reasons else None,
    }


def _error(found, expected):
    """The largest difference, in relation to numbers above 1.

    NaN, if there is one: it is within no tolerance.
    """
    given = ~np.ma.getmaskarray(found)
    expected = expected[given]
    difference = np.abs(np.ma.getdata(found)[given] - expected)
    return float((difference / np.maximum(1.0, np.abs(expected))).max())


def _close(reference):
    """Whether rounding on an image's way can move it, boolean `(images,)`."""
    rule, early = reference.rule, reference.logits[:, :-1]
    numbers = np.arange(early.shape[1])
    if rule.exit_rule == certainty.PATIENCE:
        near = _undecided(reference.answered[:, :-1])
    else:
        stretch = [_stretch(rule, number + 1) for number in numbers]
        sure, limits = reference.certainty[:, :-1], reference.thresholds.rows(1)
        band = _band(np.minimum(sure, limits), np.array(stretch), early)
        near = np.abs(sure - limits) <= band
    return (near & (numbers <= reference.exits[:, None])).any(axis=1)


def _band(sure, stretch, early):
    """How far from s a certainty may be by rounding, `(images, exits)`."""
    classes = early.shape[2]
    slope = np.minimum(1.0, 2 * classes * (1.0 - sure))
    # Some roundings of a float32 near 1, where the slope is 0.
    return BAND / classes * stretch * slope + 4 * np.finfo("float32").epsneg


def _stretch(rule, number):
    """How many times an exit's logits count in what its rule looks at."""
    times = rule.total(number)
    if rule.exit_rule != certainty.CONFIDENCE:
        times *= rule.scale
    if rule.exit_rule == certainty.DEPTH_CONFIDENCE:
        times *= number
    return max(times, 1.0)


def _undecided(answered):
    """Whether the two best classes are within tolerance, `(images, exits)`."""
    second, best = np.moveaxis(np.sort(answered, axis=-1)[..., -2:], -1, 0)
    largest = np.maximum(1.0, np.abs(answered).max(-1))
    return best - second <= 2 * SCORE_TOLERANCE * largest
