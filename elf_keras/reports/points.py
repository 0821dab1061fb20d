"""Thresholds: those a run is judged by, and those its figures are drawn at."""

import dataclasses

from elf_keras.exits.thresholds import ExitThresholds
from elf_keras.policies import policy_rules

OWN = "the run's own threshold"
# Of another exit rule than the run was trained with.
DEFAULT = "the default threshold of this exit rule"
_GUARDED = {True: " and guarded", False: ", not guarded", None: ""}


@dataclasses.dataclass(frozen=True)
class Point:
    """Thresholds and where they come from.

    Attributes:
      thresholds: of the early exits.
      said: what they are, in words.
      policy: its name in policy.json, or None.
    """

    thresholds: ExitThresholds
    said: str
    policy: str | None = None

    @property
    def written(self) -> str:
        """The thresholds as text."""
        return self.thresholds.prose()

    @property
    def name(self) -> str:
        """Short words for it, in tables."""
        return f"policy {self.policy}" if self.policy else self.said


def of_policies(record: dict | None, exits: int) -> list[Point]:
    """Policies in the order in which a report trusts them.

    Those that keep the guard on shot groups come first, among these the
    file's default, which predict and export use. Then one threshold for all
    exits comes before one for each; then the more accurate on validation: a
    policy is never preferred because it is cheap.

    Args:
      record: of policy.json, or None.
      exits: number of exits K of the model.
    """
    if record is None:
        return []
    default = record["default_policy"]

    def rank(item):
        name, policy = item
        scores = policy["validation"]
        return (
            policy.get("guard_kept") is False,
            name != default,
            policy["rule"]["kind"] != policy_rules.SHARED,
            -scores["accuracy"],
            scores["macs"],
        )

    found = (
        item
        for item in record["policies"].items()
        if item[0] != policy_rules.ALL_EXITS
        and len(item[1]["thresholds"]) == exits - 1
    )
    return [_point(*item) for item in sorted(found, key=rank)]


def _point(name, policy):
    kept = _GUARDED[policy.get("guard_kept")]
    return Point(
        ExitThresholds.of(policy["thresholds"]),
        f"policy {name}, chosen on validation{kept}",
        name,
    )
