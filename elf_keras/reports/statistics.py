"""How far scores may be off because images are few.

Only the sampling of images is in it, not that of trainings: another seed
moves a score by more than these bands say.
"""

import numpy as np

from elf_keras.evaluation.answers import Answers
from elf_keras.evaluation.scorer import Scorer
from elf_keras.exits import exit_rule

RESAMPLES, LEVEL = 200, 0.95
# Standard errors that such a band reaches to each side.
SURE = 1.96
# Random numbers held at a time.
_HELD = 2**23


def curve_band(
    found: Answers, scorer: Scorer, limits: np.ndarray
) -> np.ndarray:
    """Pointwise band of the accuracy at shared thresholds.

    Percentile bootstrap over images, drawn anew within each class, so that
    means over classes keep their classes.

    Args:
      found: answers on a split.
      scorer: of the run.
      limits: shared s, `(points,)`.

    Returns:
      Lower and upper edge, `(2, points)`.
    """
    order = np.argsort(found.labels, kind="stable")
    weights = scorer.weights(found.labels)[order]
    right = _right(found, limits)[order]
    labels = found.labels[order]
    starts = np.searchsorted(labels, labels)
    sizes = np.searchsorted(labels, labels, side="right") - starts
    random = np.random.default_rng(0)
    sums, part = [], max(1, _HELD // len(labels))
    for start in range(0, RESAMPLES, part):
        rows = min(part, RESAMPLES - start)
        drawn = random.random((rows, len(labels)), "float32")
        chosen = starts + (drawn * sizes).astype(int)
        times = np.stack(
            [np.bincount(row, minlength=len(labels)) for row in chosen]
        )
        sums.append((times * weights).astype("float32") @ right)
    edges = ((1 - LEVEL) / 2, (1 + LEVEL) / 2)
    return np.quantile(np.concatenate(sums), edges, axis=0)


def class_means(
    correct: np.ndarray, labels: np.ndarray, classes: np.ndarray
) -> tuple[float, float]:
    """Mean over classes of the accuracy, and its standard error.

    Var = Σ_c q_c (1 - q_c) / n_c / C², with q_c = (right + 1) / (n_c + 2): a
    class of one image is not certain.

    Args:
      correct: whether each image is right, `(images,)`.
      labels: `(images,)`.
      classes: those to average over, each with an image, `(C,)`.
    """
    size = int(max(labels.max(), classes.max())) + 1
    images = np.bincount(labels, minlength=size)[classes]
    right = np.bincount(labels, correct, minlength=size)[classes]
    smooth = (right + 1) / (images + 2)
    variance = (smooth * (1 - smooth) / images).sum() / len(classes) ** 2
    return float((right / images).mean()), float(np.sqrt(variance))


def _right(found, limits):
    """Whether each image is right at each threshold, `(images, points)`."""
    correct, rows = found.correct, np.arange(len(found.labels))
    columns = [
        correct[rows, exit_rule.exit_taken(exit_rule.above(found.certainty, s))]
        for s in limits
    ]
    return np.stack(columns, axis=1).astype("float32")
