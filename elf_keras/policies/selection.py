"""Named rules, and the exit thresholds that meet them best on a split.

A policy is one threshold s for each early exit, the same one (`shared`) or
its own (`per_exit`), or None where no image may leave there. HAR, Sec. III-C:
one model serves any budget.
"""

import dataclasses
import functools

from elf_keras.evaluation.answers import Answers
from elf_keras.evaluation.scorer import Scorer
from elf_keras.exits.thresholds import ExitThresholds
from elf_keras.policies import candidates, held_out, sentences, shot_guard
from elf_keras.policies.ballot import Ballot, Choice
from elf_keras.policies.candidates import Candidates
from elf_keras.policies.policy_rules import (
    ALL_EXITS,
    PER_EXIT,
    SHARED,
    PolicyPlan,
    Rule,
)

_ACCURACIES = ("accuracy", "top1", "many", "medium", "few")


@dataclasses.dataclass(frozen=True, eq=False)
class Offers:
    """What policies are chosen from.

    Attributes:
      kinds: threshold vectors by kind. Without `per_exit`, policies of that
        kind are chosen among the shared ones.
      gain: of thresholds of their own, or None where nobody asks for them.
    """

    kinds: dict[str, Candidates]
    gain: held_out.Gain | None = None


def offered(found: Answers, scorer: Scorer, plan: PolicyPlan) -> Offers:
    """Threshold vectors of the kinds that a plan asks for and that gain.

    `found` are the answers on the split that chooses.
    """
    shared = candidates.shared(scorer.curve(found))
    own = {rule.unit for rule in plan.rules if rule.kind == PER_EXIT}
    if not own or found.classes.shape[1] == 1:
        return Offers({SHARED: shared})
    gain = held_out.gain(found, scorer, plan.guard.seed if plan.guard else 0)
    if not gain.sure:
        return Offers({SHARED: shared}, gain)
    per_exit, spent = shared, [scorer.costs.with_heads]
    if "ms" in own and scorer.costs.milliseconds is not None:
        spent.append(scorer.costs.milliseconds)
    for costs in spent:
        per_exit = candidates.per_exit(
            found.certainty,
            found.correct,
            costs=costs,
            weights=scorer.weights(found.labels),
            start=per_exit,
        )
    return Offers({SHARED: shared, PER_EXIT: per_exit}, gain)


def choose(
    found: Answers,
    scorer: Scorer,
    plan: PolicyPlan,
    offers: Offers | None = None,
) -> tuple[dict[str, Choice], list[str]]:
    """Choose thresholds for every rule that the model can meet.

    The cheapest that are as accurate as all exits, or the most accurate
    within a budget. With a guard only those that keep every shot group; where
    none does, the budget holds, and the choice says what a group may lose.

    Args:
      found: the answers on the split that chooses.
      scorer: of the run; untimed, budgets of time are left out.
      plan: rules and guard.
      offers: of `offered`, where they are there already.

    Returns choices by name, `all_exits` first; a sentence for each rule left
    out.
    """
    kinds = (offers or offered(found, scorer, plan)).kinds
    losses = functools.cache(
        lambda kind: shot_guard.losses(
            found, kinds[kind].limits, scorer.shot_groups, plan.guard
        )
    )
    nobody = ExitThresholds.nobody(found.classes.shape[1])
    chosen, left_out = {ALL_EXITS: Choice(Rule(ALL_EXITS), nobody)}, []
    for rule in plan.rules:
        kind = rule.kind if rule.kind in kinds else SHARED
        ballot = Ballot(rule, kinds[kind], found, scorer)
        if not ballot.meets.any():
            left_out.append(sentences.left_out(rule, ballot.cost.min()))
        elif plan.guard is None:
            chosen[rule.name] = ballot.free()
        else:
            chosen[rule.name] = ballot.guarded(losses(kind), plan.guard)
    return chosen, left_out


def score(thresholds: ExitThresholds, found: Answers, scorer: Scorer) -> dict:
    """Scores of a policy on the split that was answered.

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
