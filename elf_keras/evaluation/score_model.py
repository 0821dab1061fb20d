"""Every split of one set of weights, scored; class by class; loss by exit."""

from collections.abc import Iterable

import keras
import numpy as np

from elf_keras.data import splits
from elf_keras.evaluation import answers, metrics, prediction
from elf_keras.evaluation.answers import Answers
from elf_keras.evaluation.scorer import Scorer
from elf_keras.exits import exit_rule
from elf_keras.exits.thresholds import ExitThresholds

# Images whose losses are computed at a time.
_ROWS = 4096
# Training images on disk whose losses are computed: each must be decoded.
_FILES = 2000


def per_class_rows(
    data: splits.Splits,
    found: Answers,
    thresholds: ExitThresholds,
    *,
    split: str = "test",
) -> list[dict]:
    """One row per class of a split, by the answers found on it."""
    classes, labels = len(data.class_names), found.labels
    chosen = found.leave(thresholds)
    static, dynamic = (
        metrics.per_class_accuracy(predicted, labels, classes=classes)
        for predicted in (found.static_classes, chosen.classes)
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
    model: keras.Model,
    data: splits.Splits,
    scorer: Scorer,
    objective=None,
    trained: keras.Model | None = None,
) -> tuple[dict, dict]:
    """Score every split that there is, under one set of weights.

    Returns records and answers, each by split name; the training split has
    only its mean loss by exit, of an `objective` with a finite threshold and,
    of files, of `_FILES` images at most; it is left out without one. That
    loss is of what `trained`, where `model` was corrected since.
    """
    found, temperatures = {}, None
    if data.validation is not None:
        weights = scorer.weights(data.validation.labels)
        found["validation"], temperatures = answers.with_temperatures(
            model, data.validation, weights, scorer.rule
        )
    if data.test is not None:
        found["test"] = answers.collect(model, data.test, scorer.rule)
    records = {name: scorer.score(each) for name, each in found.items()}
    if temperatures is not None:
        # By which predict calibrates.
        records["validation"] |= temperatures.told
    if objective:
        some = few_files(data.train)
        parts = prediction.logit_parts(trained or model, some)
        records["train"] = {
            "loss_by_exit": loss_by_exit(parts, some.labels, objective)
        }
    return records, found


def few_files(examples: splits.Examples) -> splits.Examples:
    """Training images whose loss is measured: of files, evenly spaced ones."""
    if isinstance(examples.images, np.ndarray) or len(examples) <= _FILES:
        return examples
    return examples.take(np.linspace(0, len(examples) - 1, _FILES).astype(int))


def loss_by_exit(
    parts: Iterable[np.ndarray], labels: np.ndarray, objective
) -> dict:
    """Mean cumulative loss of the training images that take each exit.

    Σ_k active ℓ, unweighted, under rule g with threshold t. Deeper exits take
    harder images: it should rise with the exit (HAR, Property 1).

    Args:
      parts: logits in evaluation mode, `(images of the part, exits, classes)`.
      labels: `(images,)`.
      objective: a `CumulativeLoss` with a finite threshold.

    Returns `shares` and `loss` per exit, `(exits,)`, NaN where nobody leaves;
    and `increasing`, over the exits that are taken.
    """
    losses, taken, start = [], [], 0
    for logits in parts:
        exits = logits.shape[1]
        for rows in np.split(logits, range(_ROWS, len(logits), _ROWS)):
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


def _losses(logits, labels, objective):
    """Cumulative loss and exit taken of some training images."""
    names = exit_rule.exit_names(logits.shape[1])
    outputs = {name: logits[:, number] for number, name in enumerate(names)}
    terms = objective.terms(labels, outputs)
    active = np.asarray(terms.active)
    losses = (active * np.asarray(terms.exit_losses)).sum(-1)
    return losses, active.sum(-1).astype(int) - 1
