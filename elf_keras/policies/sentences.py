"""What a user is told of policies in words: left out, guarded, compared."""

import math
import statistics
from typing import TYPE_CHECKING

from elf_keras.exits.answer_rule import AnswerRule
from elf_keras.policies.policy_rules import PER_EXIT, SHARED, Guard, Rule

if TYPE_CHECKING:
    from elf_keras.policies.held_out import Gain

# A share of MACs that is seen beside 100.0 %.
_SEEN = 0.0005


def left_out(rule: Rule, cheapest: float) -> str:
    """Say why no candidate meets a rule; infinite cost is an unknown one."""
    if math.isinf(cheapest):
        return f"{rule.name}: no times of stages are known here; left out"
    amount = _amount(rule, cheapest)
    return f"{rule.name}: the first exit alone costs {amount}; left out"


def unguarded(rule: Rule, losses: dict, asked: Guard) -> str:
    """Say what a shot group may lose where a budget leaves no choice."""
    return f"{rule.name}: within this budget {_worst(losses, asked)}"


def guarded(
    rule: Rule, costs: tuple[float, float], losses: dict, asked: Guard
) -> str:
    """Say that the guard took another policy.

    Costs are of the policy taken, and of the one in whose place it was;
    losses, by shot group, of the latter.
    """
    taken, first = costs
    return (
        f"{rule.name}: {_amount(rule, taken)} instead of "
        f"{_short(rule, first)}, at which {_worst(losses, asked)}"
    )


def dearer(
    policies: dict[str, dict], static: float, split: str, *, alone: bool = True
) -> str | None:
    """Say which policies cost more than the bare backbone; None: none does.

    Args:
      policies: scores by name: `saving` of MACs, heads counted, `accuracy`.
      static: accuracy of the backbone alone.
      split: that both are of.
      alone: whether the backbone alone can be asked.
    """
    found = [
        f"{name} at {100 - 100 * at['saving']:.1f} % of its MACs "
        f"({100 * at['accuracy']:.1f} % right)"
        for name, at in policies.items()
        if at["saving"] < -_SEEN
    ]
    if not found:
        return None
    right = f"({100 * static:.1f} % right)"
    remedy = f"use static, the backbone alone {right}"
    if not alone:
        remedy = (
            f"an export without --chain_only has static, the backbone alone "
            f"{right}"
        )
    return (
        f"more expensive than the bare backbone on {split}: "
        f"{', '.join(found)}; {remedy}"
    )


def guard(kept: Guard) -> str:
    """Say what a guard promises."""
    return (
        f"no shot group may lose more than {100 * kept.tolerance:g} points "
        f"compared with all exits, {100 * kept.confidence:g} % sure"
    )


def verdict(gain: "Gain | None", comparison: list[dict]) -> str:
    """Say what thresholds of their own gain (`held_out`, `compared`)."""
    if gain is None:
        return "one threshold for all exits only"
    points, error = 100 * gain.points, 100 * gain.error
    text = (
        f"one threshold per exit: {points:+.1f} ± {error:.1f} points (one "
        "standard error), on average over budgets, on images that did not "
        "choose it"
    )
    if not gain.sure:
        return (
            f"{text}; not better by three of them, so policies named "
            f"_{PER_EXIT} have one for all exits, too"
        )
    test = [
        row[PER_EXIT]["test"] - row[SHARED]["test"]
        for row in comparison
        if "test" in row[SHARED]
    ]
    if not test:
        return text
    worse = sum(each < -1e-9 for each in test)
    return (
        f"{text}; on test {100 * statistics.fmean(test):+.1f}, and worse at "
        f"{worse} of {len(test)} budgets"
    )


def best_rule(
    best: AnswerRule, plain: AnswerRule, lead: float, error: float
) -> str:
    """Say by how much one exit rule leads over the plain one.

    `lead` in accuracy, with its standard error over images.
    """
    if best.leaves_as(plain):
        return f"{best.shown} is used: nothing is ahead of it"
    chance = "" if lead > 2 * error else "; chance among images may explain it"
    return (
        f"{best.shown} is used: {100 * lead:.1f} ± {100 * error:.1f} points "
        f"(one standard error) ahead of {plain.shown} of own logits{chance}"
    )


def _worst(losses, asked):
    name = max(losses, key=lambda name: losses[name]["bound"])
    return (
        f"`{name}` may lose {100 * losses[name]['bound']:.1f} points (at most "
        f"{100 * asked.tolerance:g} are allowed, "
        f"{100 * asked.confidence:g} % sure)"
    )


def _amount(rule, cost):
    unit = "" if rule.unit == "ms" else " of the backbone's MACs"
    return _short(rule, cost) + unit


def _short(rule, cost):
    return f"{cost:.3g} ms" if rule.unit == "ms" else f"{100 * cost:.0f} %"
