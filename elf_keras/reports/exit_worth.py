"""What each early exit costs and pays back: the same model without it.

An exit's head is computed for every image that comes by; it pays where the
images that leave there would have cost more than that further on.
"""

import numpy as np

from elf_keras.evaluation import prediction
from elf_keras.evaluation.answers import Answers
from elf_keras.evaluation.scorer import Scorer


def of_exits(found: Answers, scorer: Scorer, limits: np.ndarray) -> list[dict]:
    """One row for each early exit.

    The others stay as certain as they are; with the rule `patience` they
    would have one exit less to agree with, which is not counted.

    Args:
      found: answers on a split.
      scorer: of the run.
      limits: s of each early exit, `(exits - 1,)`.

    Returns:
      `exit`, `share` that leaves there, `accuracy` of these (None where
      nobody does), `head_macs`, `macs` and `macs_without` it, an image,
      `saved` (share of the backbone that it saves, below 0 where it does not
      pay), `pays`, and `accuracy_gain` (what it adds to the accuracy).
    """
    costs = np.asarray(scorer.costs.with_heads, np.float64)
    heads = np.diff(costs - scorer.costs.without_heads, prepend=0.0)
    limits = np.append(limits, np.inf)
    whole = scorer.dynamic(found, limits)
    weights, rows = scorer.weights(found.labels), []
    for number in range(len(limits) - 1):
        kept = np.arange(len(limits)) != number
        cheaper = costs - heads[number] * (np.arange(len(limits)) > number)
        chosen = prediction.leave(
            found.classes[:, kept], found.certainty[:, kept], limits[kept]
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
