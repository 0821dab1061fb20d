"""Honest scores of a model: static and dynamic, best and last epoch.

Means follow the deployment prior: uniform (default) makes every accuracy,
share and cost a mean over classes, since validation is itself long-tailed;
`top1` is the plain mean over images. HAR, Sec. IV-A to IV-D.
"""

import dataclasses

import keras
import numpy as np

from elf_keras import exit_rule, flops, inference, metrics, thresholds
from elf_keras.data import splits

CURVE_POINTS = 60


@dataclasses.dataclass(frozen=True)
class Scorer:
    """What is fixed while the epochs and splits of one run are scored.

    Attributes:
      classes: number of classes C.
      shot_groups: name -> mask over classes, of the counts before any cut.
      costs: multiply-adds to each exit.
      exit_threshold: s in (0, 1).
      prior: class shares in deployment, or None for uniform.
      scale: σ, by which scores are multiplied before the softmax that
        calibration looks at; 1 but for cosine classifiers.
    """

    classes: int
    shot_groups: dict[str, np.ndarray]
    costs: flops.ExitCosts
    exit_threshold: float
    prior: np.ndarray | None = None
    scale: float = 1.0

    def score(self, scores: np.ndarray, labels: np.ndarray) -> dict:
        """Score one split.

        Args:
          scores: raw scores, `(images, exits, classes)`.
          labels: `(images,)`.

        Returns:
          `static`, `dynamic`, `exits` (each exit for all images), `curve`.
        """
        weights = metrics.example_weights(
            labels, self.classes, prior=self.prior
        )
        return {
            "images": len(labels),
            "static": self.static(scores, labels),
            "dynamic": self.dynamic(scores, labels, self.exit_threshold),
            "exits": self._exits(scores, labels, weights),
            "curve": self._thin_curve(scores, labels),
        }

    def static(self, scores: np.ndarray, labels: np.ndarray) -> dict:
        """Score the last exit alone; arguments as in `score`."""
        return self._accuracies(scores[:, -1].argmax(-1), labels) | {
            "macs": self.costs.backbone
        }

    def dynamic(
        self, scores: np.ndarray, labels: np.ndarray, exit_threshold: float
    ) -> dict:
        """Score early leaving at one s; arguments as in `score`."""
        weights = metrics.example_weights(
            labels, self.classes, prior=self.prior
        )
        chosen = inference.select(scores, exit_threshold)
        exits = scores.shape[1]
        shares = metrics.shares(chosen.exit_taken, exits, weights=weights)
        correct = chosen.classes == labels
        return {
            "exit_threshold": exit_threshold,
            **self._accuracies(chosen.classes, labels),
            **self._spent(shares),
            "exit_shares": shares,
            "accuracy_of_leavers": metrics.mean_by_exit(
                correct, chosen.exit_taken, exits=exits, weights=weights
            ),
        }

    def curve(self, scores: np.ndarray, labels: np.ndarray):
        """Return the exact `thresholds.Curve`; arguments as in `score`."""
        return thresholds.curve(
            exit_rule.confidence(scores),
            scores.argmax(-1) == labels[:, None],
            costs=self.costs.with_heads,
            weights=metrics.example_weights(
                labels, self.classes, prior=self.prior
            ),
        )

    def _accuracies(self, predictions, labels):
        weights = metrics.example_weights(
            labels, self.classes, prior=self.prior
        )
        correct = predictions == labels
        per_class = metrics.per_class_accuracy(
            predictions, labels, classes=self.classes
        )
        return {
            "accuracy": float(weights @ correct),
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

    def _exits(self, scores, labels, weights):
        correct = scores.argmax(-1) == labels[:, None]
        confidence = exit_rule.confidence(self.scale * scores)
        return [
            {
                "exit": number + 1,
                "accuracy": float(weights @ correct[:, number]),
                "calibration_error": metrics.expected_calibration_error(
                    confidence[:, number], correct[:, number], weights=weights
                ),
                "macs": int(self.costs.with_heads[number]),
                "macs_without_heads": int(self.costs.without_heads[number]),
            }
            for number in range(scores.shape[1])
        ]

    def _thin_curve(self, scores, labels):
        full = self.curve(scores, labels)
        thin = thresholds.thin(full, CURVE_POINTS)
        return {
            "exit_threshold": thin.thresholds,
            "accuracy": thin.accuracy,
            "macs": thin.cost,
            "exit_shares": thin.shares,
        }


def loss_by_exit(scores: np.ndarray, labels: np.ndarray, objective) -> dict:
    """Mean cumulative loss of the examples that take each exit, in training.

    Σ_k active ℓ, unweighted, under rule g with threshold t; should rise with
    the exit (HAR, Property 1).

    Args:
      scores: of the training split in evaluation mode,
        `(images, exits, classes)`.
      labels: `(images,)`.
      objective: a `CumulativeLoss` with a finite threshold.

    Returns:
      `shares` and `loss` per exit, `(exits,)`, NaN where nobody leaves; and
      `increasing`, over the exits that are taken.
    """
    exits = scores.shape[1]
    names = exit_rule.exit_names(exits)
    losses, taken = [], []
    for start in range(0, len(scores), 4096):
        part = slice(start, start + 4096)
        outputs = {name: scores[part, k] for k, name in enumerate(names)}
        terms = objective.terms(labels[part], outputs)
        active = np.asarray(terms.active)
        losses.append((active * np.asarray(terms.exit_losses)).sum(-1))
        taken.append(active.sum(-1).astype(int) - 1)
    losses, taken = np.concatenate(losses), np.concatenate(taken)
    means = metrics.mean_by_exit(losses, taken, exits=exits)
    return {
        "shares": metrics.shares(taken, exits),
        "loss": means,
        "increasing": bool((np.diff(means[~np.isnan(means)]) > 0).all()),
    }


def per_class_rows(
    data: splits.Splits,
    scores: np.ndarray,
    exit_threshold: float,
    *,
    split: str = "test",
) -> list[dict]:
    """One row per class of a split: images, accuracies, mean exit.

    Args:
      data: the splits.
      scores: of that split, `(images, exits, classes)`.
      exit_threshold: s.
      split: `train`, `validation` or `test`.
    """
    classes = len(data.class_names)
    labels = getattr(data, split).labels
    chosen = inference.select(scores, exit_threshold)
    static, dynamic = (
        metrics.per_class_accuracy(predicted, labels, classes=classes)
        for predicted in (scores[:, -1].argmax(-1), chosen.classes)
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
      Records and raw scores, each by split name; the training split has its
      mean loss by exit only.
    """
    parts = {"validation": data.validation, "test": data.test}
    scores = {
        name: inference.predict_scores(model, part)
        for name, part in parts.items()
        if part is not None
    }
    records = {
        name: scorer.score(values, parts[name].labels)
        for name, values in scores.items()
    }
    training = inference.predict_scores(model, data.train)
    records["train"] = {
        "loss_by_exit": loss_by_exit(training, data.train.labels, objective)
    }
    return records, scores
