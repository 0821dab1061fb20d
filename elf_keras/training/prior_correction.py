"""A correction for class frequencies after training, at every exit.

  z'_c = z_c - τ_k log π_c / σ

with z exit k's own logits, π the class shares in training, σ what the loss
multiplied logits by, and a τ_k of exit k's own. It becomes part of the exits'
classifiers: whatever loads, cuts or exports the model afterwards answers by z'.
Where exits answer by running sums, all have one τ: a sum of n_k = Σ_{j<k} d^j
logits is then corrected n_k times, and the last exit alone as any other. Of
several τ, the last classifier would undo what those before it have too much.

Reference: Menon et al. 2021, *Long-Tail Learning via Logit Adjustment*, Eq. 9.
"""

import dataclasses

import keras
import numpy as np
from keras import layers

from elf_keras.data import splits
from elf_keras.evaluation import prediction
from elf_keras.evaluation.scorer import Scorer
from elf_keras.exits.answer_rule import OWN
from elf_keras.losses import class_weights
from elf_keras.models.exit_heads import CosineClassifier
from elf_keras.models.multi_exit_model import MultiExitModel
from elf_keras.training import second_stage

# In the records of scores.
KEY = "prior_correction"
TAUS = second_stage.TAUS


@dataclasses.dataclass(frozen=True)
class Correction:
    """By how much to correct.

    Attributes:
      taus: τ ≥ 0 of each exit, or one for all; None: validation chooses each
        of `TAUS`, for running sums one by the mean over exits, never test.
    """

    taus: tuple[float, ...] | None = None

    def applied(
        self, model: MultiExitModel, data: splits.Splits, scorer: Scorer
    ) -> tuple[MultiExitModel, dict]:
        """Return a corrected model, and what to record of it.

        Its features are shared with the one given, which stays as it is.

        Args:
          data: the training images' counts; validation, where it is there,
            tells what the correction gains.
          scorer: weighs the classes, and knows σ.
        """
        log_priors = class_weights.log_priors(data.train_counts)
        unit = log_priors / scorer.rule.scale
        exits = len(model.output_names)
        found, taus = None, np.broadcast_to(self.taus or 0.0, exits)
        if data.validation is not None:
            tried = TAUS if self.taus is None else (0.0, *self.taus)
            found = accuracies(model, data.validation, scorer, unit, tried)
            if self.taus is None:
                by_exit = found
                if scorer.rule.answer != OWN:
                    by_exit = np.repeat(found.mean(1, keepdims=True), exits, 1)
                # The smallest of equals: the least change.
                taus = np.array(TAUS)[by_exit.argmax(0)]
        rows = [
            {"exit": number + 1, "tau": float(tau)}
            for number, tau in enumerate(taus)
        ]
        if found is not None:
            for number, row in enumerate(rows):
                at = tried.index(row["tau"])
                row["validation_accuracy_before"] = float(found[0, number])
                row["validation_accuracy"] = float(found[at, number])
        by = "validation" if self.taus is None else "flag"
        told = {"chosen_by": by, "exits": rows}
        return shifted(model, -taus[:, None] * unit), told


def accuracies(
    model: keras.Model,
    examples: splits.Examples,
    scorer: Scorer,
    unit: np.ndarray,
    taus: tuple[float, ...],
) -> np.ndarray:
    """Accuracy of what each exit answers by under each τ, `(taus, exits)`.

    Args:
      scorer: weighs the images in the mean, by default one over classes, and
        knows what exits answer by.
      unit: log π / σ, `(classes,)`.
    """
    right, start = [], 0
    exits = range(1, len(model.output_names) + 1)
    sizes = np.array([scorer.rule.total(number) for number in exits])
    steps = sizes[:, None] * unit
    for logits in prediction.logit_parts(model, examples):
        labels = examples.labels[start : start + len(logits), None]
        start += len(logits)
        answers = scorer.rule.answered(logits)
        right.append(
            [(answers - tau * steps).argmax(-1) == labels for tau in taus]
        )
    weights = scorer.weights(examples.labels)
    return np.einsum("tie,i->te", np.concatenate(right, axis=1), weights)


def shifted(model: MultiExitModel, shifts: np.ndarray) -> MultiExitModel:
    """Return the same network, features shared, its logits shifted.

    Args:
      model: with plain or cosine classifiers.
      shifts: that are added to each exit's logits, `(exits, classes)`.
    """
    old = second_stage.classifiers(model)
    with model.distribute_strategy.scope():
        outputs = {each.name: _like(each)(each.input) for each in old}
        found = MultiExitModel(model.inputs[0], outputs, name=model.name)
    pairs = zip(old, second_stage.classifiers(found), strict=True)
    for (before, after), shift in zip(pairs, shifts, strict=True):
        kernel, *bias = before.get_weights()
        after.set_weights([kernel, sum(bias, start=shift)])
    return found


def _like(classifier):
    """A fresh classifier of the same kind, with a number for each class."""
    options = {"name": classifier.name, "dtype": "float32"}
    if isinstance(classifier, CosineClassifier):
        return CosineClassifier(classifier.classes, shifted=True, **options)
    return layers.Dense(classifier.units, **options)


def sentences(record: dict) -> list[str]:
    """Tell which τ the model that was saved has, and what was gained.

    Takes the content of metrics.json; says nothing without a correction.
    """
    scores = record["train"]
    told = scores.get("best", scores["last"]).get(KEY)
    return [_sentence(told)] if told else []


def _sentence(told):
    parts = []
    for row in told["exits"]:
        part = f"exit {row['exit']} τ = {row['tau']:g}"
        if "validation_accuracy" in row:
            before = 100 * row["validation_accuracy_before"]
            after = 100 * row["validation_accuracy"]
            part += f" ({before:.1f} → {after:.1f} %)"
        parts.append(part)
    taus = ",".join(f"{row['tau']:g}" for row in told["exits"])
    end = ""
    if told["chosen_by"] == "validation":
        end = (
            "; chosen on validation, whose accuracy is in brackets; "
            f"--prior_correction={taus} repeats it"
        )
    return f"prior correction: {', '.join(parts)}{end}"
