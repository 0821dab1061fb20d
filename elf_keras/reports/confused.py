"""Which class is answered for which: pairs, their shares, worst mistakes."""

import dataclasses

import numpy as np
from sklearn import metrics

from elf_keras.evaluation.prediction import Prediction
from elf_keras.reports.run_view import RunView


@dataclasses.dataclass(frozen=True, eq=False)
class Pairs:
    """Answers `guess` to images of the class `true`, all `(pairs,)`."""

    true: np.ndarray
    guess: np.ndarray
    # How many, more than 0.
    images: np.ndarray


def count(true: np.ndarray, guess: np.ndarray) -> Pairs:
    """Count pairs; a dense matrix of 8142 classes would take gigabytes."""
    both = np.stack([true, guess])
    (true, guess), images = np.unique(both, axis=1, return_counts=True)
    return Pairs(true, guess, images)


def left_at(view: RunView, chosen: Prediction, number: int) -> Pairs:
    """Pairs of the images that leave at an exit, counted from 0."""
    own = chosen.exit_taken == number
    return count(view.seen.labels[own], chosen.classes[own])


def shares(view: RunView, pairs: Pairs, block: int) -> np.ndarray:
    """Share of a block's images that have each answer.

    Args:
      view: a run with answers.
      pairs: of some of its images.
      block: how many classes, neighbours in size, share a row.

    Returns:
      In [0, 1], `(blocks, blocks)`, most frequent classes first.
    """
    place = np.argsort(view.order) // block
    size = int(place.max()) + 1
    totals = np.bincount(place[view.seen.labels], minlength=size)
    if not len(pairs.images):
        return np.zeros((size, size))
    merged = metrics.confusion_matrix(
        place[pairs.true],
        place[pairs.guess],
        labels=np.arange(size),
        sample_weight=pairs.images,
    )
    return merged / np.maximum(totals, 1)[:, None]


def worst(view: RunView, pairs: Pairs, most: int) -> list[dict]:
    """The most frequent mistakes.

    Returns:
      At most so many rows with `true_class`, `predicted_class`, `images`, and
      `share` of the images of the true class.
    """
    totals = np.bincount(view.seen.labels, minlength=len(view.class_names))
    wrong = np.where(pairs.true == pairs.guess, 0, pairs.images)
    return [
        {
            "true_class": view.class_names[pairs.true[k]],
            "predicted_class": view.class_names[pairs.guess[k]],
            "images": int(wrong[k]),
            "share": float(wrong[k] / totals[pairs.true[k]]),
        }
        for k in np.argsort(-wrong, kind="stable")[:most]
        if wrong[k]
    ]
