"""One rule of a policy, and which threshold vectors meet it best on a split."""

import dataclasses
import functools

import numpy as np

from elf_keras.evaluation import paired
from elf_keras.evaluation.answers import Answers
from elf_keras.evaluation.scorer import Scorer
from elf_keras.exits.thresholds import ExitThresholds
from elf_keras.policies import held_out, sentences, shot_guard
from elf_keras.policies.candidates import Candidates
from elf_keras.policies.policy_rules import Guard, Rule

_EQUAL = 1e-9
# A budget is there to be spent: the last of it may buy nothing more.
_SPENT = 0.95


@dataclasses.dataclass(frozen=True, eq=False)
class Choice:
    """A policy as chosen.

    Attributes:
      rule: that it was chosen by.
      thresholds: that it consists of.
      kept: whether the guard holds, or None without one.
      losses: by shot group, its loss and bound on the split that chose.
      said: a sentence where the guard decided or could not, or None.
    """

    rule: Rule
    thresholds: ExitThresholds
    kept: bool | None = None
    losses: dict | None = None
    said: str | None = None


@dataclasses.dataclass(frozen=True, eq=False)
class Ballot:
    """One rule, and the candidates that may meet it on a split."""

    rule: Rule
    offers: Candidates
    found: Answers
    scorer: Scorer

    @functools.cached_property
    def cost(self) -> np.ndarray:
        """Cost in the rule's own unit, `(candidates,)`; unknown, infinite."""
        costs = self.scorer.costs
        if self.rule.unit != "ms":
            return self.offers.cost(costs.with_heads) / costs.backbone
        if costs.milliseconds is None:
            return np.full(len(self.offers.accuracy), np.inf)
        return self.offers.cost(costs.milliseconds)

    @functools.cached_property
    def static(self) -> np.ndarray:
        """Where nobody leaves early, boolean `(candidates,)`."""
        return np.isinf(self.offers.limits).all(axis=1)

    @functools.cached_property
    def meets(self) -> np.ndarray:
        """Which candidates meet the rule, boolean `(candidates,)`."""
        if self.rule.unit is None:
            least = self.offers.accuracy[self.static].max()
            return self.offers.accuracy >= least - _EQUAL
        return self.cost <= self.rule.limit + _EQUAL

    def free(self) -> Choice:
        """Choose the best that meets the rule."""
        best = self._best(self.meets)
        return Choice(self.rule, self.offers.thresholds(best))

    def guarded(self, losses: shot_guard.Losses, guard: Guard) -> Choice:
        """Choose the best that keeps every shot group, if there is one."""
        first = self._best(self.meets)
        keeping = self.meets & (losses.keeps(guard.tolerance) | self.static)
        kept = bool(keeping.any())
        point, said = (self._best(keeping) if kept else first), None
        if not kept:
            said = sentences.unguarded(self.rule, losses.of(first), guard)
        elif point != first:
            costs = self.cost[point], self.cost[first]
            said = sentences.guarded(self.rule, costs, losses.of(first), guard)
        thresholds = self.offers.thresholds(point)
        return Choice(self.rule, thresholds, kept, losses.of(point), said)

    def _best(self, allowed):
        """The cheapest, or the most accurate that spends the budget.

        Down to 95 % of the most expensive, since few images would prefer a
        cheaper one by luck; one is taken where it is better by three standard
        errors of the paired difference: deeper exits then err more.
        """
        if self.rule.unit is None:
            return self._cheapest(allowed)
        dear = self.cost >= _SPENT * self.cost[allowed].max()
        spent = self._most_accurate(allowed & dear)
        lucky = self._most_accurate(allowed)
        return lucky if self._surely_better(lucky, spent) else spent

    def _most_accurate(self, allowed):
        top = self.offers.accuracy[allowed].max()
        return self._cheapest(allowed & (self.offers.accuracy >= top - _EQUAL))

    def _surely_better(self, one, other):
        """Whether it is right more often than chance among images explains."""
        labels = self.found.labels
        right = [
            self.found.leave(self.offers.thresholds(point)).classes == labels
            for point in (one, other)
        ]
        weights = self.scorer.weights(labels)
        return paired.surely_better(*right, weights, errors=held_out.SURE)

    def _cheapest(self, allowed):
        points = np.flatnonzero(allowed)
        return int(points[self.cost[points].argmin()])
