"""What policies are chosen for: accuracy or budgets, shared s or one per exit.

A sweep writes its rules into policy.json, so that an export can choose the
thresholds of every variant anew by the very same rules.
"""

import dataclasses
import math
from numbers import Integral, Real

from elf_keras.errors import InputError

SHARED, PER_EXIT = KINDS = ("shared", "per_exit")
ALL_EXITS, ACCURATE = "all_exits", "accurate"
BUDGETS = ("0.75", "0.5", "0.25")


@dataclasses.dataclass(frozen=True)
class Rule:
    """What a policy is chosen for.

    Attributes:
      name: of the policy.
      kind: `shared` or `per_exit`.
      unit: of the budget, `macs` (share of the bare backbone's, heads
        counted) or `ms`; None asks for the accuracy of all exits.
      limit: the budget.
    """

    name: str
    kind: str = SHARED
    unit: str | None = None
    limit: float | None = None


@dataclasses.dataclass(frozen=True)
class Guard:
    """What a policy may cost a shot group, see `shot_guard`.

    Attributes:
      tolerance: accuracy that a shot group may lose, in [0, 1].
      confidence: how sure that must be, one-sided, in (0, 1).
      resamples: of the bootstrap.
      seed: of their weights.
    """

    tolerance: float = 0.05
    confidence: float = 0.9
    resamples: int = 1000
    seed: int = 0


@dataclasses.dataclass(frozen=True)
class PolicyPlan:
    """The rules of one choice, and the guard on shot groups or None."""

    rules: tuple[Rule, ...]
    guard: Guard | None = None


def rules(budgets: list[str], kinds: tuple[str, ...]) -> tuple[Rule, ...]:
    """Read budgets: `0.5` is a share of the backbone's MACs, `2.5ms` a time.

    Args:
      budgets: what the user wrote.
      kinds: of thresholds; names of per-exit rules end in `_per_exit`.

    Raises:
      InputError: for a budget that is no number above 0.
    """
    found = []
    for kind in kinds:
        end = "" if kind == SHARED else f"_{kind}"
        found.append(Rule(ACCURATE + end, kind))
        for text in budgets:
            unit, limit = _budget(text)
            shown = 100 * limit if unit == "macs" else limit
            found.append(Rule(f"{unit}_{shown:g}{end}", kind, unit, limit))
    return tuple(found)


def of_file(record: dict) -> PolicyPlan:
    """Return the rules and the guard that a policy file was made by.

    Raises:
      TypeError, ValueError, KeyError, AttributeError: for any others.
    """
    found = tuple(
        Rule(name, **policy["rule"])
        for name, policy in record["policies"].items()
    )
    guard = Guard(**record["guard"])
    for rule in found:
        _check_rule(rule)
    _check_guard(guard)
    return PolicyPlan(
        tuple(rule for rule in found if rule.name != ALL_EXITS), guard
    )


def _check_rule(rule):
    kinds, units = rule.kind in KINDS, rule.unit in (None, "macs", "ms")
    if not (kinds and units):
        raise ValueError(f"{rule.name} is chosen for {rule.kind}, {rule.unit}")
    limited = isinstance(rule.limit, Real) and 0 < rule.limit < math.inf
    if limited == (rule.unit is None):
        raise ValueError(f"{rule.name} has the limit {rule.limit!r}")


def _check_guard(guard):
    for name, least, most in (
        ("tolerance", 0, 1),
        ("confidence", 0, 1),
        ("resamples", 1, 10**6),
        ("seed", 0, 2**63),
    ):
        value = getattr(guard, name)
        kind = Integral if name in ("resamples", "seed") else Real
        if not (isinstance(value, kind) and least <= value <= most):
            raise ValueError(f"its guard has {name} {value!r}")


def _budget(text):
    number, unit = text.strip().lower().removesuffix("ms"), "macs"
    if number != text.strip().lower():
        unit = "ms"
    try:
        limit = float(number)
    except ValueError:
        limit = math.nan
    if not 0 < limit < math.inf:
        raise InputError(
            f"budget {text!r}: expected a share above 0 of the backbone's "
            "multiply-adds, such as 0.5, or a time such as 2.5ms"
        )
    return unit, limit


# What an export offers where no sweep was made.
DEFAULT = PolicyPlan(rules(list(BUDGETS), (SHARED,)))
