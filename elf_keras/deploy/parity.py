"""Whether exports answer as the model does: logits, and who leaves where.

float32 logits must agree within 1e-4 max(1, |z|), and no image may take
another exit unless a confidence on its way lies within 1e-3/C of s.
"""

import dataclasses

import numpy as np

from elf_keras.errors import InputError
from elf_keras.exits import exit_rule
from elf_keras.exits.thresholds import ExitThresholds

SCORE_TOLERANCE = 1e-4
BAND = 1e-3


@dataclasses.dataclass(frozen=True, eq=False)
class Reference:
    """What the Keras model says, and the thresholds to compare at."""

    images: np.ndarray  # pixel values 0 to 255, `(images, …)`
    logits: np.ndarray  # `(images, exits, classes)`
    thresholds: ExitThresholds

    @property
    def exits(self) -> np.ndarray:
        """Index of the exit that each image takes, `(images,)`."""
        limits = self.thresholds.with_last
        return exit_rule.exit_taken(exit_rule.satisfied(self.logits, limits))

    @property
    def shares(self) -> np.ndarray:
        """Share of the images that take each exit, `(exits,)`."""
        exits = self.logits.shape[1]
        return np.bincount(self.exits, minlength=exits) / len(self.images)


def spread(logits: np.ndarray) -> ExitThresholds:
    """Thresholds at which about equally many images leave at every exit.

    Values of float32, each midway between two confidences of the logits,
    `(images, exits, classes)`.

    Raises:
      InputError: for logits that are no numbers.
    """
    confidence = exit_rule.confidence(logits)
    if not np.isfinite(confidence).all():
        raise InputError(
            "the model answers some validation images with scores that are no "
            "numbers; train it again, at a lower --learning_rate"
        )
    found = []
    for left in range(confidence.shape[1], 1, -1):
        own = confidence[:, -left]
        found.append(_between(own, len(own) // left))
        confidence = confidence[own <= found[-1]]
    return ExitThresholds.of(found)


def _between(confidence, leaving):
    """A threshold that so many confidences are above, or about as many."""
    ordered = np.sort(confidence)[::-1]
    if len(ordered) < 2:
        return np.float32(0.5)
    leaving = max(leaving, 1)
    middle = np.mean(ordered[leaving - 1 : leaving + 1], dtype="float32")
    # A CE model's confidences may all round to 1, which none exceeds.
    return min(middle, np.float32(1 - 2**-24))


def compare(
    reference: Reference,
    name: str,
    *,
    logits: np.ndarray | None = None,
    exits: np.ndarray | None = None,
    judged: bool = True,
) -> dict:
    """Return a row of the parity table.

    Args:
      name: of the artefact and the way it was asked.
      logits: its own, `(images, exits, classes)`; masked where it gives none.
      exits: the exits it took, from 0; None where it takes none.
      judged: False for quantized variants, which are only described.
    """
    error, moved, outside = 0.0, 0, 0
    if logits is not None:
        given = ~np.ma.getmaskarray(logits)
        expected = reference.logits[given]
        difference = np.abs(np.ma.getdata(logits)[given] - expected)
        # NaN, if there is one: it is within no tolerance.
        error = float((difference / np.maximum(1.0, np.abs(expected))).max())
    if exits is not None:
        differs = exits != reference.exits
        moved = int(differs.sum())
        outside = int((differs & ~_close(reference)).sum())
    good = error <= SCORE_TOLERANCE and not outside
    return {
        "artefact": name,
        "images": len(reference.images),
        "score_error": error if logits is not None else None,
        "exits_moved": moved if exits is not None else None,
        "outside_band": outside if exits is not None else None,
        "passed": good if judged else None,
    }


def _close(reference):
    """Whether any confidence on an image's way lies within the band."""
    band = BAND / reference.logits.shape[2]
    confidence = exit_rule.confidence(reference.logits)[:, :-1]
    near = np.abs(confidence - reference.thresholds.rows(1)) <= band
    numbers = np.arange(confidence.shape[1])
    return (near & (numbers <= reference.exits[:, None])).any(axis=1)
