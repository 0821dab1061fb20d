"""Named rules, and the exit thresholds that meet them best on a split.

A policy is one threshold s for each early exit, the same one (`shared`) or
its own (`per_exit`), or None where no image may leave there. HAR, Sec. III-C:
one model serves any budget.
"""

import dataclasses
import math

import numpy as np

from elf_keras import candidates, evaluation, shot_guard
from elf_keras.answers import Answers
from elf_keras.candidates import Candidates
from elf_keras.policy_rules import ALL_EXITS, PER_EXIT, SHARED, Plan, Rule

_EQUAL = 1e-9
# A budget is there to be spent: the last of it may buy nothing more.
_SPENT = 0.95
# Standard errors by which less compute must be more accurate to be believed.
_SURE = 3.0
_ACCURACIES = ("accuracy", "top1", "many", "medium", "few")


@dataclasses.dataclass(frozen=True, eq=False)
class Choice:
    """A policy as chosen.

    Attributes:
      rule: that it was chosen by.
      limits: s of each early exit, infinity where nobody leaves,
        `(exits - 1,)`.
      kept: whether the guard holds, or None without one.
      losses: by shot group, its loss and bound on the split that chose.
      said: a sentence where the guard decided or could not, or None.
    """

    rule: Rule
    limits: np.ndarray
    kept: bool | None = None
    losses: dict | None = None
    said: str | None = None


def offered(
    found: Answers,
    scorer: evaluation.Scorer,
    plan: Plan,
    milliseconds: list[float] | None = None,
) -> dict[str, Candidates]:
    """Threshold vectors by kind, for the kinds that a plan asks for.

    Args:
      found: the answers on the split that chooses.
      scorer: of the run.
      plan: the rules.
      milliseconds: of each stage, `(exits,)`, if times have a budget.
    """
    shared = candidates.shared(scorer.curve(found))
    offers = {SHARED: shared}
    own = {rule.unit for rule in plan.rules if rule.kind == PER_EXIT}
    if not own or found.classes.shape[1] == 1:
        return offers
    kinds_of_cost = [scorer.costs.with_heads]
    if "ms" in own and milliseconds is not None:
        kinds_of_cost.append(np.cumsum(milliseconds))
    for costs in kinds_of_cost:
        offers[PER_EXIT] = candidates.per_exit(
            found.certainty,
            found.correct,
            costs=costs,
            weights=scorer.weights(found.labels),
            start=offers.get(PER_EXIT, shared),
        )
    return offers


def choose(
    found: Answers,
    scorer: evaluation.Scorer,
    plan: Plan,
    milliseconds: list[float] | None = None,
    offers: dict[str, Candidates] | None = None,
) -> tuple[dict[str, Choice], list[str]]:
    """Choose thresholds for every rule that the model can meet.

    `accurate`: the cheapest that are at least as accurate as all exits;
    within a budget: the most accurate of those that spend it, down to 95 % of
    the dearest, since few images would prefer a cheaper one by luck. A cheaper
    one is taken where it is better by three standard errors of the paired
    difference: deeper exits then err more. With a guard only those that keep
    every shot group; where none does within a budget, the budget holds, and
    the choice says what a group may lose.

    Args:
      found: the answers on the split that chooses.
      scorer: of the run.
      plan: rules and guard.
      milliseconds: of each stage, `(exits,)`; without, budgets of time are
        left out.
      offers: of `offered`, where they are there already.

    Returns:
      Choices by name, `all_exits` first; and a sentence for each rule that
      was left out.
    """
    offers = offers or offered(found, scorer, plan, milliseconds)
    nobody = np.full(found.classes.shape[1] - 1, np.inf)
    chosen = {ALL_EXITS: Choice(Rule(ALL_EXITS), nobody)}
    left_out, bounds = [], {}
    for rule in plan.rules:
        kind = rule.kind if rule.kind in offers else SHARED
        if plan.guard and kind not in bounds:
            bounds[kind] = shot_guard.losses(
                found,
                offers[kind].limits,
                shot_groups=scorer.shot_groups,
                guard=plan.guard,
            )
        try:
            cost, limit = _cost(rule, offers[kind], scorer, milliseconds)
            weights = scorer.weights(found.labels)
            picker = _Picker(rule, offers[kind], cost, limit, found, weights)
            chosen[rule.name] = picker.pick(bounds.get(kind), plan.guard)
        except _LeftOutError as reason:
            left_out.append(f"{rule.name}: {reason}; left out")
    return chosen, left_out


def score(
    choice: Choice,
    found: Answers,
    scorer: evaluation.Scorer,
    milliseconds: list[float] | None = None,
) -> dict:
    """Scores of a policy on a split.

    Args:
      choice: the policy.
      found: the answers on that split.
      scorer: of the run.
      milliseconds: of each stage, `(exits,)`; None leaves times out.

    Returns:
      Accuracies, `macs`, `saving` (heads counted), `exit_shares`, and
      perhaps `milliseconds`: means over classes.
    """
    result = scorer.dynamic(found, np.append(choice.limits, np.inf))
    shares = result["exit_shares"]
    record = {
        **{key: result[key] for key in _ACCURACIES if key in result},
        "macs": result["macs"],
        "saving": result["saving_with_heads"],
        "exit_shares": shares,
    }
    if milliseconds is not None:
        record["milliseconds"] = float(shares @ np.cumsum(milliseconds))
    return record


def written(limits: np.ndarray) -> list[float | None]:
    """Thresholds as files hold them: None where nobody leaves."""
    return [float(s) if np.isfinite(s) else None for s in limits]


class _LeftOutError(Exception):
    """A rule that this model or export cannot be asked for."""


@dataclasses.dataclass(frozen=True, eq=False)
class _Picker:
    """One rule among its candidates, `cost` and `limit` in its own unit."""

    rule: Rule
    offers: Candidates
    cost: np.ndarray
    limit: float
    found: Answers
    weights: np.ndarray

    def pick(self, losses, guard):
        never = np.isinf(self.offers.limits).all(axis=1)
        fits = self.cost <= self.limit + _EQUAL
        if self.rule.unit is None:
            least = self.offers.accuracy[never].max()
            fits = self.offers.accuracy >= least - _EQUAL
        elif not fits.any():
            cheapest = self._amount(self.cost.min())
            raise _LeftOutError(f"the first exit alone costs {cheapest}")
        first = self._best(fits)
        if losses is None:
            return Choice(self.rule, self.offers.limits[first])
        keeps = losses.keeps(guard.tolerance) | never
        kept = bool((fits & keeps).any())
        point = self._best(fits & keeps) if kept else first
        return Choice(
            self.rule,
            self.offers.limits[point],
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
            self.found.leave(np.append(self.offers.limits[point], np.inf))
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


def _cost(rule, offers, scorer, milliseconds):
    """Expected cost of every candidate and the budget, in a rule's unit."""
    if rule.unit == "ms":
        if milliseconds is None:
            raise _LeftOutError("no times of stages are known here")
        return offers.cost(np.cumsum(milliseconds)), rule.limit
    cost = offers.cost(scorer.costs.with_heads) / scorer.costs.backbone
    return cost, math.inf if rule.limit is None else rule.limit
