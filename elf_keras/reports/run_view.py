"""One run as a report looks at it: its folder, and its answers if any."""

import dataclasses
import functools

import keras
import numpy as np

from elf_keras.data import long_tail, splits
from elf_keras.evaluation import answers, prediction
from elf_keras.evaluation.scorer import Scorer
from elf_keras.exits.thresholds import ExitThresholds
from elf_keras.policies import policy_rules
from elf_keras.reports import run_folder

GROUPS = {
    "many": f"more than {long_tail.MANY_ABOVE} training images",
    "medium": f"{long_tail.FEW_BELOW} to {long_tail.MANY_ABOVE}",
    "few": f"fewer than {long_tail.FEW_BELOW}",
}

# Accuracy that the thresholds of the figures may cost on validation.
COSTS = 0.01
_OWN = "the run's own threshold"


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


@dataclasses.dataclass(frozen=True)
class Point:
    """Thresholds at which a run's figures are drawn.

    Attributes:
      thresholds: of the early exits.
      said: what they are, in words.
    """

    thresholds: ExitThresholds
    said: str

    @property
    def written(self) -> str:
        """The thresholds as text."""
        return self.thresholds.prose()


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
    def point(self) -> Point:
        """Where figures are drawn: a policy that validation chose, or s.

        Of the policies with one threshold for all exits the cheapest that
        costs at most `COSTS` on validation, else the most accurate at which
        anybody leaves, else the run's own --exit_threshold. Without answers
        only the last has scores.
        """
        if self.scored is None:
            told = self.folder.recorded()[1]["dynamic"]["exit_threshold"]
            return Point(ExitThresholds.of_scores(told, self.exits), _OWN)
        for name, policy in _ranked(self.folder.policies):
            chosen = ExitThresholds.of(policy["thresholds"])
            if len(chosen.early) == self.exits - 1 and self._early(chosen):
                return Point(chosen, f"policy {name}, chosen on validation")
        return Point(self.scored.scorer.thresholds, _OWN)

    @functools.cached_property
    def static(self) -> dict:
        """Scores of the whole backbone on the shown split."""
        return self.scored.scorer.static(self.seen)

    @functools.cached_property
    def dynamic(self) -> dict:
        """Scores of leaving early at `point` on the shown split."""
        return self.scored.scorer.dynamic(self.seen, self.point.thresholds)

    @functools.cached_property
    def chosen(self) -> prediction.Prediction:
        """What the run answers at `point` on the shown split."""
        return self.seen.leave(self.point.thresholds)

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
        found["validation"], temperatures = answers.with_temperatures(
            model,
            data.validation,
            scorer.weights(data.validation.labels),
            scorer.rule,
        )
    shown = "validation" if data.test is None else "test"
    part = getattr(data, shown)
    if part is not None:
        found[shown] = answers.collect(model, part, scorer.rule, temperatures)
    if temperatures is not None:
        temperatures = temperatures * scorer.rule.scale
    return Scored(scorer, found, temperatures)


def _ranked(policies):
    """Policies with one threshold for all exits, best first."""
    static = policies.get(policy_rules.ALL_EXITS, {}).get("validation", {})
    enough = static.get("accuracy", 0.0) - COSTS

    def rank(item):
        scores = item[1]["validation"]
        accurate = scores["accuracy"] >= enough
        return not accurate, scores["macs"] if accurate else -scores["accuracy"]

    shared = policy_rules.SHARED
    found = (
        item for item in policies.items() if item[1]["rule"]["kind"] == shared
    )
    return sorted(found, key=rank)
