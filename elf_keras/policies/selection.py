"""Named rules, and the exit thresholds that meet them best on a split.

A policy is one threshold s for each early exit, the same one (`shared`) or
its own (`per_exit`), or None where no image may leave there. HAR, Sec. III-C:
one model serves any budget.
"""

import math

from elf_keras.evaluation.answers import Answers
from elf_keras.evaluation.scorer import Scorer
from elf_keras.exits.thresholds import ExitThresholds
from elf_keras.policies import candidates, shot_guard
from elf_keras.policies.candidates import Candidates
from elf_keras.policies.policy_picker import Choice, LeftOutError, Picker
from elf_keras.policies.policy_rules import (
    ALL_EXITS,
    PER_EXIT,
    SHARED,
    PolicyPlan,
    Rule,
)

_ACCURACIES = ("accuracy", "top1", "many", "medium", "few")


def offered(
    found: Answers,
    scorer: Scorer,
    plan: PolicyPlan,
) -> dict[str, Candidates]:
    """Threshold vectors by kind, for the kinds that a plan asks for.

    Args:
      found: the answers on the split that chooses.
      scorer: of the run.
      plan: the rules.
    """
    shared = candidates.shared(scorer.curve(found))
    offers = {SHARED: shared}
    own = {rule.unit for rule in plan.rules if rule.kind == PER_EXIT}
    if not own or found.classes.shape[1] == 1:
        return offers
    kinds_of_cost = [scorer.costs.with_heads]
    if "ms" in own and scorer.costs.milliseconds is not None:
        kinds_of_cost.append(scorer.costs.milliseconds)
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
    scorer: Scorer,
    plan: PolicyPlan,
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
      scorer: of the run; where nothing was timed, budgets of time are left
        out.
      plan: rules and guard.
      offers: of `offered`, where they are there already.

    Returns:
      Choices by name, `all_exits` first; and a sentence for each rule that
      was left out.
    """
    offers = offers or offered(found, scorer, plan)
    nobody = ExitThresholds.of([None] * (found.classes.shape[1] - 1))
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
            cost, limit = _cost(rule, offers[kind], scorer.costs)
            weights = scorer.weights(found.labels)
            picker = Picker(rule, offers[kind], cost, limit, found, weights)
            chosen[rule.name] = picker.pick(bounds.get(kind), plan.guard)
        except LeftOutError as reason:
            left_out.append(f"{rule.name}: {reason}; left out")
    return chosen, left_out


def score(thresholds: ExitThresholds, found: Answers, scorer: Scorer) -> dict:
    """Scores of a policy on a split.

    Args:
      thresholds: of the policy.
      found: the answers on that split.
      scorer: of the run.

    Returns:
      Accuracies, `macs`, `saving` (heads counted), `exit_shares`, and
      `milliseconds` where stages were timed: means over classes.
    """
    result = scorer.dynamic(found, thresholds)
    shares = result["exit_shares"]
    record = {
        **{key: result[key] for key in _ACCURACIES if key in result},
        "macs": result["macs"],
        "saving": result["saving_with_heads"],
        "exit_shares": shares,
    }
    if scorer.costs.milliseconds is not None:
        record["milliseconds"] = float(shares @ scorer.costs.milliseconds)
    return record


def _cost(rule, offers, costs):
    """Expected cost of every candidate and the budget, in a rule's unit."""
    if rule.unit == "ms":
        if costs.milliseconds is None:
            raise LeftOutError("no times of stages are known here")
        return offers.cost(costs.milliseconds), rule.limit
    cost = offers.cost(costs.with_heads) / costs.backbone
    return cost, math.inf if rule.limit is None else rule.limit
