"""Every split of one set of weights, scored; and class by class."""

import keras

from elf_keras.data import splits
from elf_keras.evaluation import answers, loss_by_exit, metrics, prediction
from elf_keras.evaluation.answers import Answers
from elf_keras.evaluation.scorer import Scorer
from elf_keras.exits.thresholds import ExitThresholds


def per_class_rows(
    data: splits.Splits,
    found: Answers,
    thresholds: ExitThresholds,
    *,
    split: str = "test",
) -> list[dict]:
    """One row per class of a split: images, accuracies, mean exit.

    Args:
      data: the splits.
      found: the answers on that split.
      thresholds: at which images leave.
      split: `train`, `validation` or `test`.
    """
    classes, labels = len(data.class_names), found.labels
    chosen = found.leave(thresholds)
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
        name: answers.collect(model, part, scorer.rule)
        for name, part in parts.items()
        if part is not None
    }
    records = {name: scorer.score(each) for name, each in found.items()}
    training = prediction.score_parts(model, data.train)
    records["train"] = {
        "loss_by_exit": loss_by_exit.of_parts(
            training, data.train.labels, objective
        )
    }
    return records, found
