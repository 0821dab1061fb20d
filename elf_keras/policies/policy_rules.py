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
# Of no sweep: the bare backbone, whatever its heads would say.
STATIC = "static"
BUDGETS = ("0.75", "0.5", "0.25")
# With their heads, all exits may cost more than the bare backbone, not double.
_MOST = 2


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

    @property
    def told(self) -> dict:
        """What files hold of it, under its name."""
        return {"kind": self.kind, "unit": self.unit, "limit": self.limit}

    def __post_init__(self):
        if self.kind not in KINDS or self.unit not in (None, "macs", "ms"):
            raise ValueError(
                f"{self.name} is chosen for {self.kind}, {self.unit}"
            )
        limited = isinstance(self.limit, Real) and 0 < self.limit < math.inf
        if limited == (self.unit is None):
            raise ValueError(f"{self.name} has the limit {self.limit!r}")


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

    def __post_init__(self):
        for name, kind, least, most in (
            ("tolerance", Real, 0, 1),
            ("confidence", Real, 0, 1),
            ("resamples", Integral, 1, 10**6),
            ("seed", Integral, 0, 2**63),
        ):
            value = getattr(self, name)
            if not (isinstance(value, kind) and least <= value <= most):
                raise ValueError(f"its guard has {name} {value!r}")


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
      InputError: for a budget that is no number above 0, or a percentage.
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


def by_default(seed: int) -> PolicyPlan:
    """What a sweep without flags chooses by, and an export of a run unswept.

    `seed` is that of the guard's bootstrap.
    """
    return PolicyPlan(rules([*BUDGETS], KINDS), Guard(seed=seed))


def of_file(record: dict) -> PolicyPlan:
    """Return the rules and the guard that a policy file was made by.

    Raises:
      TypeError, ValueError, LookupError, AttributeError: for any others.
    """
    found = [
        Rule(name, **at["rule"]) for name, at in record["policies"].items()
    ]
    asked = tuple(rule for rule in found if rule.name != ALL_EXITS)
    return PolicyPlan(asked, Guard(**record["guard"]))


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
    if unit == "macs" and limit > _MOST:
        raise InputError(
            f"--budget={number}: expected shares of the bare backbone's "
            f"multiply-adds, such as 0.5; did you mean {limit / 100:g}, or "
            f"the time {limit:g}ms?"
        )
    return unit, limit
