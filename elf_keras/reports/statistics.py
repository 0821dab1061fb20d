"""How sure scores are, and what each exit is worth.

Bands and errors hold only the sampling of images, not that of trainings:
another seed moves a score by more than they say.
"""

import numpy as np

from elf_keras.evaluation import prediction
from elf_keras.evaluation.answers import Answers
from elf_keras.evaluation.scorer import Scorer
from elf_keras.exits import exit_rule
from elf_keras.exits.thresholds import ExitThresholds

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


def worth_of_exits(
    found: Answers, scorer: Scorer, thresholds: ExitThresholds
) -> list[dict]:
    """What each early exit costs and pays back: the same model without it.

    An exit's head is computed for every image that comes by; it pays where
    the images that leave there would have cost more than that further on.

    The others stay as certain as they are; by running sums and the rules
    `patience` and `depth_confidence` they would have one exit less to add, to
    agree with or to count, which is left out.

    Returns:
      `exit`, `share` that leaves there, `accuracy` of these (None where
      nobody does), `head_macs`, `macs` and `macs_without` it, an image,
      `saved` (share of the backbone that it saves, below 0 where it does not
      pay), `pays`, and `accuracy_gain` (what it adds to the accuracy).
    """
    costs = np.asarray(scorer.costs.with_heads, np.float64)
    heads = np.diff(costs - scorer.costs.without_heads, prepend=0.0)
    whole = scorer.dynamic(found, thresholds)
    weights, rows = scorer.weights(found.labels), []
    for number in range(len(costs) - 1):
        kept = np.arange(len(costs)) != number
        cheaper = costs - heads[number] * (np.arange(len(costs)) > number)
        chosen = prediction.leave(
            found.classes[:, kept],
            found.certainty[:, kept],
            ExitThresholds.of(np.delete(thresholds.early, number)),
        )
        macs = float(weights @ cheaper[kept][chosen.exit_taken])
        accuracy = float(weights @ (chosen.classes == found.labels))
        right = whole["accuracy_of_leavers"][number]
        saved = (macs - whole["macs"]) / scorer.costs.backbone
        rows.append(
            {
                "exit": number + 1,
                "share": float(whole["exit_shares"][number]),
                "accuracy": None if np.isnan(right) else float(right),
                "head_macs": float(heads[number]),
                "macs": whole["macs"],
                "macs_without": macs,
                "saved": saved,
                # An exit that nobody reaches saves a rounding error.
                "pays": saved > 1e-9,
                "accuracy_gain": whole["accuracy"] - accuracy,
            }
        )
    return rows


def _right(found, limits):
    """Whether each image is right at each threshold, `(images, points)`."""
    correct, rows = found.correct, np.arange(len(found.labels))
    columns = [
        correct[rows, exit_rule.exit_taken(exit_rule.above(found.certainty, s))]
        for s in limits
    ]
    return np.stack(columns, axis=1).astype("float32")
