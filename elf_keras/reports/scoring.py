"""What a model answers on validation and test, for the figures of a report."""

import dataclasses

import keras
import numpy as np

from elf_keras.data import splits
from elf_keras.evaluation import answers
from elf_keras.evaluation.scorer import Scorer


@dataclasses.dataclass(frozen=True, eq=False)
class Scored:
    """A run's answers, and what scores them.

    Attributes:
      scorer: of the run.
      splits: `validation` and `test`, as far as there are any; `shown` with
        probabilities at the temperatures.
      temperatures: T of each exit in units of 1/σ, `(exits,)`, or None.
    """

    scorer: Scorer
    splits: dict[str, answers.Answers]
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
        found["validation"], temperatures = answers.with_temperatures(
            model,
            data.validation,
            scorer.weights(data.validation.labels),
            scorer.rule,
        )
    if data.test is not None:
        found["test"] = answers.collect(
            model, data.test, scorer.rule, temperatures
        )
    elif data.validation is not None:
        found["validation"] = answers.collect(
            model, data.validation, scorer.rule, temperatures
        )
    if temperatures is not None:
        temperatures = temperatures * scorer.rule.scale
    return Scored(scorer, found, temperatures)
