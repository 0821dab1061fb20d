"""Honest scores of one split: static, dynamic, exit by exit, and the curve.

Means follow the deployment prior: uniform (default) makes every accuracy,
share and cost a mean over classes, since validation is itself long-tailed;
`top1` is the plain mean over images. HAR, Sec. IV-A to IV-D.
"""

import dataclasses
from collections.abc import Sequence

import numpy as np

from elf_keras.evaluation import cost_curve, metrics
from elf_keras.evaluation.answers import Answers
from elf_keras.exits.answer_rule import PLAIN, AnswerRule
from elf_keras.exits.thresholds import ExitThresholds
from elf_keras.models import multiply_adds

CURVE_POINTS = 60


@dataclasses.dataclass(frozen=True)
class Scorer:
    """What is fixed while the epochs and splits of one run are scored.

    Attributes:
      classes: number of classes C.
      shot_groups: name -> mask over classes, of the counts before any cut.
      costs: multiply-adds to each exit.
      thresholds: s of the exits, at which images leave.
      prior: class shares in deployment, or None for uniform.
      rule: how the model answers.
    """

    classes: int
    shot_groups: dict[str, np.ndarray]
    costs: multiply_adds.ExitCosts
    thresholds: ExitThresholds
    prior: np.ndarray | None = None
    rule: AnswerRule = PLAIN

    @property
    def means_over(self) -> str:
        """By which class shares means are taken, as --deployment_prior says."""
        return "uniform" if self.prior is None else "train"

    def timed(self, stage_milliseconds: Sequence[float] | None) -> "Scorer":
        """The same, with the time of each stage, `(exits,)`, in its costs."""
        costs = dataclasses.replace(
            self.costs, stage_milliseconds=stage_milliseconds
        )
        return dataclasses.replace(self, costs=costs)

    def weights(self, labels: np.ndarray) -> np.ndarray:
        """Weights of images that make a mean one over classes, sum 1."""
        return metrics.example_weights(labels, self.classes, prior=self.prior)

    def score(self, found: Answers) -> dict:
        """Score a split in every mode, each exit, and the thinned curve."""
        return {
            "images": len(found.labels),
            "static": self.static(found),
            "mean_of_exits": self.mean_of_exits(found),
            "dynamic": self.dynamic(found, self.thresholds),
            "exits": self._exits(found),
            "curve": self.line(self.curve(found), CURVE_POINTS),
        }

    def static(self, found: Answers) -> dict:
        """Score the last exit alone, by its own logits: no head is needed."""
        return self._accuracies(found.static_classes, found.labels) | {
            "macs": self.costs.backbone
        }

    def mean_of_exits(self, found: Answers) -> dict:
        """Score the mean of all exits' class probabilities, or their sum.

        The whole network runs, with every head.

        Reference: Hu et al. 2020, Triple Wins (RDI-Nets), Sec. 3; the sum of
        logits: HAR, Eq. 2.
        """
        accuracies = self._accuracies(found.mean_classes, found.labels)
        return accuracies | self._spent(np.eye(found.classes.shape[1])[-1])

    def dynamic(self, found: Answers, thresholds: ExitThresholds) -> dict:
        """Score early leaving at exit thresholds."""
        weights = self.weights(found.labels)
        chosen = found.leave(thresholds)
        exits = found.classes.shape[1]
        shares = metrics.shares(chosen.exit_taken, exits, weights=weights)
        correct = chosen.classes == found.labels
        return {
            **self.rule.told,
            "exit_threshold": thresholds.told,
            **self._accuracies(chosen.classes, found.labels),
            **self._spent(shares),
            "exit_shares": shares,
            "accuracy_of_leavers": metrics.mean_by_exit(
                correct, chosen.exit_taken, exits=exits, weights=weights
            ),
        }

    def curve(self, found: Answers) -> cost_curve.Curve:
        """Return the exact curve over one shared s."""
        return cost_curve.curve(
            found.certainty,
            found.correct,
            costs=self.costs.with_heads,
            weights=self.weights(found.labels),
        )

    def line(self, full: cost_curve.Curve, points: int) -> dict:
        """About so many points of a curve as files hold them."""
        curve = cost_curve.thin(full, points)
        found = {
            "exit_threshold": curve.thresholds,
            "accuracy": curve.accuracy,
            "macs": curve.cost,
            "exit_shares": curve.shares,
        }
        if self.costs.milliseconds is not None:
            found["milliseconds"] = curve.shares @ self.costs.milliseconds
        return found

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
        saving, whole = multiply_adds.saving, self.costs.backbone
        return {
            "macs": cost,
            "saving_with_heads": saving(cost, whole),
            "saving_without_heads": saving(bare, whole),
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
