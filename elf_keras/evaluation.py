"""Honest scores of a model: static and dynamic, best and last epoch.

Means follow the deployment prior: uniform (default) makes every accuracy,
share and cost a mean over classes, since validation is itself long-tailed;
`top1` is the plain mean over images. HAR, Sec. IV-A to IV-D.
"""

import dataclasses
from collections.abc import Iterable

import keras
import numpy as np

from elf_keras import (
    answers,
    certainty,
    exit_rule,
    flops,
    inference,
    metrics,
    thresholds,
)
from elf_keras.answers import Answers
from elf_keras.data import splits

CURVE_POINTS = 60
# Images whose losses are computed at a time.
_ROWS = 4096


@dataclasses.dataclass(frozen=True)
class Scorer:
    """What is fixed while the epochs and splits of one run are scored.

    Attributes:
      classes: number of classes C.
      shot_groups: name -> mask over classes, of the counts before any cut.
      costs: multiply-adds to each exit.
      exit_threshold: s in (0, 1), or one for each exit, `(exits,)`, where
        infinity lets nobody leave.
      prior: class shares in deployment, or None for uniform.
      scale: σ, by which scores are multiplied before the softmax that
        calibration and the mean of exits look at; 1 but for cosine
        classifiers.
      exit_rule: a key of `certainty.EXIT_RULES`, which s is compared by.
    """

    classes: int
    shot_groups: dict[str, np.ndarray]
    costs: flops.ExitCosts
    exit_threshold: float | np.ndarray
    prior: np.ndarray | None = None
    scale: float = 1.0
    exit_rule: str = certainty.CONFIDENCE

    def weights(self, labels: np.ndarray) -> np.ndarray:
        """Weights of images that make a mean one over classes, sum 1."""
        return metrics.example_weights(labels, self.classes, prior=self.prior)

    def score(self, found: Answers) -> dict:
        """Score a split.

        Returns `static`, `mean_of_exits`, `dynamic`, each of `exits`, and
        `curve`.
        """
        return {
            "images": len(found.labels),
            "static": self.static(found),
            "mean_of_exits": self.mean_of_exits(found),
            "dynamic": self.dynamic(found, self.exit_threshold),
            "exits": self._exits(found),
            "curve": self._thin_curve(found),
        }

    def static(self, found: Answers) -> dict:
        """Score the last exit alone."""
        return self._accuracies(found.classes[:, -1], found.labels) | {
            "macs": self.costs.backbone
        }

    def mean_of_exits(self, found: Answers) -> dict:
        """Score the mean of all exits' class probabilities.

        The whole network runs, with every head.

        Reference: Hu et al. 2020, Triple Wins (RDI-Nets), Sec. 3.
        """
        last = np.eye(found.classes.shape[1])[-1]
        return {
            **self._accuracies(found.mean_classes, found.labels),
            **self._spent(last),
        }

    def dynamic(
        self, found: Answers, exit_threshold: float | np.ndarray
    ) -> dict:
        """Score early leaving at s, one or `(exits,)`."""
        weights = self.weights(found.labels)
        chosen = found.leave(exit_threshold)
        exits = found.classes.shape[1]
        shares = metrics.shares(chosen.exit_taken, exits, weights=weights)
        correct = chosen.classes == found.labels
        return {
            "exit_rule": self.exit_rule,
            "exit_threshold": exit_threshold,
            **self._accuracies(chosen.classes, found.labels),
            **self._spent(shares),
            "exit_shares": shares,
            "accuracy_of_leavers": metrics.mean_by_exit(
                correct, chosen.exit_taken, exits=exits, weights=weights
            ),
        }

    def curve(self, found: Answers) -> thresholds.Curve:
        """Return the exact curve over one shared s."""
        return thresholds.curve(
            found.certainty,
            found.correct,
            costs=self.costs.with_heads,
            weights=self.weights(found.labels),
        )

    def _accuracies(self, predictions, labels):
        correct = predictions == labels
        per_class = metrics.per_class_accuracy(
            predictions, labels, classes=self.classes
        )
        return {
            "accuracy": float(self.weights(labels) @ correct),
            "top1": float(correct.mean()),
            **metrics.group_accuracy(per_class, self.shot_groups),
        }

    def _spent(self, shares):
        cost = float(shares @ self.costs.with_heads)
        bare = float(shares @ self.costs.without_heads)
        return {
            "macs": cost,
            "saving_with_heads": flops.saving(cost, self.costs.backbone),
            "saving_without_heads": flops.saving(bare, self.costs.backbone),
        }

    def _exits(self, found):
        weights, correct = self.weights(found.labels), found.correct
        return [
            {
                "exit": number + 1,
                "accuracy": float(weights @ correct[:, number]),
                "calibration_error": metrics.expected_calibration_error(
                    found.probability[:, number],
                    correct[:, number],
                    weights=weights,
                ),
                "macs": int(self.costs.with_heads[number]),
                "macs_without_heads": int(self.costs.without_heads[number]),
            }
            for number in range(correct.shape[1])
        ]

    def _thin_curve(self, found):
        full = self.curve(found)
        thin = thresholds.thin(full, CURVE_POINTS)
        return {
            "exit_threshold": thin.thresholds,
            "accuracy": thin.accuracy,
            "macs": thin.cost,
            "exit_shares": thin.shares,
        }


def loss_by_exit(
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


def per_class_rows(
    data: splits.Splits,
    found: Answers,
    exit_threshold: float | np.ndarray,
    *,
    split: str = "test",
) -> list[dict]:
    """One row per class of a split: images, accuracies, mean exit.

    Args:
      data: the splits.
      found: the answers on that split.
      exit_threshold: s, one or `(exits,)`.
      split: `train`, `validation` or `test`.
    """
    classes, labels = len(data.class_names), found.labels
    chosen = found.leave(exit_threshold)
    static, dynamic = (
        metrics.per_class_accuracy(predicted, labels, classes=classes)
        for predicted in (found.classes[:, -1], chosen.classes)
    )
    exits = metrics.mean_by_exit(chosen.exit_taken + 1, labels, exits=classes)
    return [
        {
            "class": name,
            "training_images": int(data.class_counts[index]),
            f"{split}_images": int((labels == index).sum()),
            "static_accuracy": round(float(static[index]), 4),
            "dynamic_accuracy": round(float(dynamic[index]), 4),
            "mean_exit": round(float(exits[index]), 3),
        }
        for index, name in enumerate(data.class_names)
    ]


def score_model(
    model: keras.Model, data: splits.Splits, scorer: Scorer, objective
) -> tuple[dict, dict]:
    """Score every split of one set of weights.

    Args:
      model: a multi-exit model.
      data: the splits; absent ones are left out.
      scorer: what is fixed over the run.
      objective: a `CumulativeLoss` with a finite threshold.

    Returns:
      Records and answers, each by split name; the training split has its
      mean loss by exit only.
    """
    parts = {"validation": data.validation, "test": data.test}
    found = {
        name: answers.collect(
            model, part, scale=scorer.scale, rule=scorer.exit_rule
        )
        for name, part in parts.items()
        if part is not None
    }
    records = {name: scorer.score(each) for name, each in found.items()}
    training = inference.score_parts(model, data.train)
    records["train"] = {
        "loss_by_exit": loss_by_exit(training, data.train.labels, objective)
    }
    return records, found


def _losses(scores, labels, objective):
    """Cumulative loss and exit taken of some training images."""
    names = exit_rule.exit_names(scores.shape[1])
    outputs = {name: scores[:, number] for number, name in enumerate(names)}
    terms = objective.terms(labels, outputs)
    active = np.asarray(terms.active)
    losses = (active * np.asarray(terms.exit_losses)).sum(-1)
    return losses, active.sum(-1).astype(int) - 1
