"""One run as a report looks at it: its folder, and its answers if any."""

import dataclasses
import functools

import keras
import numpy as np

from elf_keras.data import long_tail, splits
from elf_keras.evaluation import answers, prediction
from elf_keras.evaluation.scorer import Scorer
from elf_keras.exits.thresholds import ExitThresholds
from elf_keras.reports import points, run_folder

GROUPS = {
    "many": f"more than {long_tail.MANY_ABOVE} training images",
    "medium": f"{long_tail.FEW_BELOW} to {long_tail.MANY_ABOVE}",
    "few": f"fewer than {long_tail.FEW_BELOW}",
}


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


@dataclasses.dataclass(frozen=True, eq=False)
class RunView:
    """A run on the page.

    Attributes:
      folder: what its folder holds.
      class_names: or none where nothing tells them.
      class_counts: training images of each class before any cut.
      scored: its answers, or None where the images or the model are missing.
      examples: images of `scored.shown`, or None.
      missing: a sentence on each thing that is not there.
    """

    folder: run_folder.RunFolder
    class_names: tuple[str, ...] = ()
    class_counts: np.ndarray | None = None
    scored: Scored | None = None
    examples: splits.Examples | None = None
    missing: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """On the page."""
        return self.folder.name

    @property
    def exits(self) -> int:
        """Number of exits K; 0 while unknown."""
        if self.scored is not None:
            return len(self.scored.scorer.costs.with_heads)
        return len(self.folder.exits)

    @property
    def seen(self) -> answers.Answers:
        """The answers on the split that figures show."""
        return self.scored.splits[self.scored.shown]

    @property
    def weights(self) -> np.ndarray:
        """What makes sums over images shown means over classes, `(images,)`."""
        return self.scored.scorer.weights(self.seen.labels)

    @property
    def order(self) -> np.ndarray:
        """Classes from the commonest to the rarest, `(classes,)`."""
        return np.argsort(-np.asarray(self.class_counts), kind="stable")

    @property
    def shot_groups(self) -> dict[str, np.ndarray]:
        """Masks over classes, without empty groups."""
        groups = long_tail.shot_groups(self.class_counts)
        return {name: mask for name, mask in groups.items() if mask.any()}

    @functools.cached_property
    def headline(self) -> points.Point:
        """What the run is judged by: the policy that its users get.

        The default of policy.json, which keeps the guard on shot groups; the
        run's own --exit_threshold where nobody swept it.
        """
        found = points.of_policies(self.folder.policy, self.exits)
        return found[0] if found else self._own

    @functools.cached_property
    def point(self) -> points.Point:
        """Where figures are drawn: at the headline, unless nobody leaves there.

        Else at the first policy at which anybody leaves, else at the run's
        own threshold. Without answers only the last has scores.
        """
        if self.scored is None:
            return self._own
        found = points.of_policies(self.folder.policy, self.exits)
        leaving = (each for each in found if self._early(each.thresholds))
        return next(leaving, self._own)

    @property
    def _own(self):
        if self.scored is not None:
            same = self.folder.rule.leaves_as(self.folder.own_rule)
            said = points.OWN if same else points.DEFAULT
            return points.Point(self.scored.scorer.thresholds, said)
        told = self.folder.recorded()[1]["dynamic"]["exit_threshold"]
        return points.Point(
            ExitThresholds.of_scores(told, self.exits), points.OWN
        )

    @functools.cached_property
    def static(self) -> dict:
        """Scores of the whole backbone on the shown split."""
        return self.scored.scorer.static(self.seen)

    def at(self, point: points.Point) -> dict:
        """Scores of leaving early at a point, on the shown split."""
        return self.scored.scorer.dynamic(self.seen, point.thresholds)

    @functools.cached_property
    def dynamic(self) -> dict:
        """Scores of leaving early at `point` on the shown split."""
        return self.at(self.point)

    @functools.cached_property
    def chosen(self) -> prediction.Prediction:
        """What the run answers at `point` on the shown split."""
        return self.seen.leave(self.point.thresholds)

    @functools.cached_property
    def judged(self) -> prediction.Prediction:
        """What the run answers at `headline` on the shown split."""
        return self.seen.leave(self.headline.thresholds)

    def _early(self, thresholds):
        taken = self.seen.leave(thresholds).exit_taken
        return (taken < self.exits - 1).mean() > 0.001


def score(model: keras.Model, data: splits.Splits, scorer: Scorer) -> Scored:
    """Run a model over validation and test.

    Validation first, for its temperatures; and again, with these, where
    there is no test split to look at.
    """
    temperatures, found = None, {}
    if data.validation is not None:
        found["validation"], fitted = answers.with_temperatures(
            model,
            data.validation,
            scorer.weights(data.validation.labels),
            scorer.rule,
        )
        temperatures = fitted.temperatures
    shown = "validation" if data.test is None else "test"
    part = getattr(data, shown)
    if part is not None:
        found[shown] = answers.collect(model, part, scorer.rule, temperatures)
    if temperatures is not None:
        temperatures = temperatures * scorer.rule.scale
    return Scored(scorer, found, temperatures)
