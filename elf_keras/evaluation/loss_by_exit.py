"""The increasing-loss property: deeper exits take harder training images."""

from collections.abc import Iterable

import numpy as np

from elf_keras.evaluation import metrics
from elf_keras.exits import exit_rule

# Images whose losses are computed at a time.
_ROWS = 4096


def of_parts(
    parts: Iterable[np.ndarray], labels: np.ndarray, objective
) -> dict:
    """Mean cumulative loss of the examples that take each exit, in training.

    Σ_k active ℓ, unweighted, under rule g with threshold t; should rise with
    the exit (HAR, Property 1).

    Args:
      parts: scores of the training split in evaluation mode, part by part,
        `(images of the part, exits, classes)`.
      labels: `(images,)`.
      objective: a `CumulativeLoss` with a finite threshold.

    Returns:
      `shares` and `loss` per exit, `(exits,)`, NaN where nobody leaves; and
      `increasing`, over the exits that are taken.
    """
    losses, taken, start = [], [], 0
    for scores in parts:
        exits = scores.shape[1]
        for rows in np.split(scores, range(_ROWS, len(scores), _ROWS)):
            found = _losses(rows, labels[start : start + len(rows)], objective)
            losses.append(found[0])
            taken.append(found[1])
            start += len(rows)
    losses, taken = np.concatenate(losses), np.concatenate(taken)
    means = metrics.mean_by_exit(losses, taken, exits=exits)
    return {
        "shares": metrics.shares(taken, exits),
        "loss": means,
        "increasing": bool((np.diff(means[~np.isnan(means)]) > 0).all()),
    }


def _losses(scores, labels, objective):
    """Cumulative loss and exit taken of some training images."""
    names = exit_rule.exit_names(scores.shape[1])
    outputs = {name: scores[:, number] for number, name in enumerate(names)}
    terms = objective.terms(labels, outputs)
    active = np.asarray(terms.active)
    losses = (active * np.asarray(terms.exit_losses)).sum(-1)
    return losses, active.sum(-1).astype(int) - 1
