"""What a model answers on validation and test, for the figures of a report.

More than `answers` keeps: the probability of the true class (ELF, Fig. 2),
and probabilities at fitted temperatures.
"""

import dataclasses

import keras
import numpy as np

from elf_keras.data import splits
from elf_keras.evaluation import answers, calibration
from elf_keras.evaluation.scorer import Scorer
from elf_keras.exits import exit_rule


@dataclasses.dataclass(frozen=True, eq=False)
class Seen:
    """The answers of all exits on one split.

    Attributes:
      answers: classes and certainties.
      of_truth: softmax(σ · scores) at the true class, `(images, exits)`.
      calibrated: largest probability of softmax(scores / T), `(images,
        exits)`, with T fitted on validation; None without validation.
    """

    answers: answers.Answers
    of_truth: np.ndarray
    calibrated: np.ndarray | None


@dataclasses.dataclass(frozen=True, eq=False)
class Scored:
    """A run's answers, and what scores them.

    Attributes:
      scorer: of the run.
      splits: `validation` and `test`, as far as there are any.
      temperatures: T of each exit in units of 1/σ, `(exits,)`, or None.
    """

    scorer: Scorer
    splits: dict[str, Seen]
    temperatures: np.ndarray | None

    @property
    def shown(self) -> str:
        """The split that figures show: the one that no choice has seen."""
        return "test" if "test" in self.splits else "validation"


def score(model: keras.Model, data: splits.Splits, scorer: Scorer) -> Scored:
    """Run a model over validation and test.

    Validation first, for its temperatures; and again, with these, where
    there is no test split to look at.

    Args:
      model: a multi-exit model.
      data: the splits.
      scorer: of the run.
    """
    temperatures, found = None, {}
    if data.validation is not None:
        fit = calibration.TemperatureFit(
            len(scorer.costs.with_heads), scale=scorer.rule.scale
        )
        found["validation"] = _seen(model, data.validation, scorer, fit=fit)
        temperatures = fit.temperatures()
    if data.test is not None:
        found["test"] = _seen(
            model, data.test, scorer, temperatures=temperatures
        )
    elif data.validation is not None:
        found["validation"] = _seen(
            model, data.validation, scorer, temperatures=temperatures
        )
    if temperatures is not None:
        temperatures = temperatures * scorer.rule.scale
    return Scored(scorer, found, temperatures)


class _Witness:
    """Takes the place of a `TemperatureFit`, and keeps a little more."""

    def __init__(self, scale, fit, temperatures):
        self._scale, self._fit, self._temperatures = scale, fit, temperatures
        self.of_truth, self.calibrated = [], []

    def add(self, scores, labels, weights):
        """Take in a part of the split."""
        if self._fit is not None:
            self._fit.add(scores, labels, weights)
        rows, exits = np.arange(len(scores)), range(scores.shape[1])
        columns = [self._scale * scores[:, number] for number in exits]
        # p_y = p_max · e^(z_y - z_max).
        self.of_truth.append(
            np.stack(
                [
                    exit_rule.confidence(each)
                    * np.exp(each[rows, labels] - each.max(-1))
                    for each in columns
                ],
                axis=1,
            )
        )
        if self._temperatures is not None:
            probabilities = [
                exit_rule.confidence(scores[:, number] / temperature)
                for number, temperature in enumerate(self._temperatures)
            ]
            self.calibrated.append(np.stack(probabilities, axis=1))


def _seen(model, part, scorer, *, fit=None, temperatures=None):
    witness = _Witness(scorer.rule.scale, fit, temperatures)
    found = answers.collect(
        model,
        part,
        scorer.rule,
        fit=witness,
        weights=scorer.weights(part.labels),
    )
    return Seen(
        found,
        np.concatenate(witness.of_truth),
        np.concatenate(witness.calibrated) if witness.calibrated else None,
    )
