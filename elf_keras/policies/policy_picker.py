"""One rule among candidate thresholds: the point that meets it best."""

import dataclasses

import numpy as np

from elf_keras.evaluation.answers import Answers
from elf_keras.exits.thresholds import ExitThresholds
from elf_keras.policies.candidates import Candidates
from elf_keras.policies.policy_rules import Guard, Rule
from elf_keras.policies.shot_guard import Losses

_EQUAL = 1e-9
# A budget is there to be spent: the last of it may buy nothing more.
_SPENT = 0.95
# Standard errors by which less compute must be more accurate to be believed.
_SURE = 3.0


@dataclasses.dataclass(frozen=True, eq=False)
class Choice:
    """A policy as chosen.

    Attributes:
      rule: that it was chosen by.
      thresholds: of the early exits.
      kept: whether the guard holds, or None without one.
      losses: by shot group, its loss and bound on the split that chose.
      said: a sentence where the guard decided or could not, or None.
    """

    rule: Rule
    thresholds: ExitThresholds
    kept: bool | None = None
    losses: dict | None = None
    said: str | None = None


class LeftOutError(Exception):
    """A rule that this model or export cannot be asked for."""


@dataclasses.dataclass(frozen=True, eq=False)
class Picker:
    """One rule among its candidates.

    Attributes:
      rule: to be met.
      offers: the candidates.
      cost: of each, in the rule's own unit, `(candidates,)`.
      limit: of the cost; infinity without a budget.
      found: the answers on the split that chooses.
      weights: of its images, sum 1, `(images,)`.
    """

    rule: Rule
    offers: Candidates
    cost: np.ndarray
    limit: float
    found: Answers
    weights: np.ndarray

    def pick(
        self, losses: Losses | None = None, guard: Guard | None = None
    ) -> Choice:
        """Choose the point that meets the rule best.

        Args:
          losses: of each shot group by candidate, where there is a guard.
          guard: what a shot group may lose.

        Raises:
          LeftOutError: where the first exit alone is above the limit.
        """
        never = np.isinf(self.offers.limits).all(axis=1)
        fits = self.cost <= self.limit + _EQUAL
        if self.rule.unit is None:
            least = self.offers.accuracy[never].max()
            fits = self.offers.accuracy >= least - _EQUAL
        elif not fits.any():
            cheapest = self._amount(self.cost.min())
            raise LeftOutError(f"the first exit alone costs {cheapest}")
        first = self._best(fits)
        if losses is None:
            return Choice(self.rule, self.offers.thresholds(first))
        keeps = losses.keeps(guard.tolerance) | never
        kept = bool((fits & keeps).any())
        point = self._best(fits & keeps) if kept else first
        return Choice(
            self.rule,
            self.offers.thresholds(point),
            kept,
            losses.of(point),
            self._said(first, point, kept, losses, guard),
        )

    def _best(self, allowed):
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
        right, wrong = (
            self.found.leave(self.offers.thresholds(point))
            for point in (one, other)
        )
        gain = 1.0 * (right.classes == self.found.labels)
        gain -= wrong.classes == self.found.labels
        mean = self.weights @ gain
        error = np.linalg.norm(self.weights * (gain - mean))
        return bool(mean > _SURE * error + _EQUAL)

    def _cheapest(self, allowed):
        points = np.flatnonzero(allowed)
        return int(points[self.cost[points].argmin()])

    def _said(self, first, point, kept, losses, guard):
        if first == point and kept:
            return None
        bounds = {
            name: values["bound"] for name, values in losses.of(first).items()
        }
        worst = max(bounds, key=bounds.get)
        loss = (
            f"`{worst}` may lose {100 * bounds[worst]:.1f} points (at most "
            f"{100 * guard.tolerance:g} are allowed, "
            f"{100 * guard.confidence:g} % sure)"
        )
        if not kept:
            return f"{self.rule.name}: within this budget {loss}"
        return (
            f"{self.rule.name}: {self._amount(self.cost[point])} in place of "
            f"{self._short(self.cost[first])}, where {loss}"
        )

    def _amount(self, cost):
        unit = "" if self.rule.unit == "ms" else " of the backbone's MACs"
        return self._short(cost) + unit

    def _short(self, cost):
        if self.rule.unit == "ms":
            return f"{cost:.3g} ms"
        return f"{100 * cost:.0f} %"
