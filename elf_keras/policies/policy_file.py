"""policy.json: the policies that a sweep chose, and how to choose them again.

{"format": 1, "seed": …, "versions": {…}, …
 "exit_rule": what thresholds are compared with (absent: confidence),
 "model": {"exits": K, "classes": C, "sha256": of model.keras, …},
 "chosen_on": {"split": "validation", "images": …},
 "guard": {"tolerance": …, "confidence": …, "resamples": …, "seed": …},
 "temperatures": [T of each exit], "default_policy": "accurate",
 "policies": {NAME: {"rule": {"kind", "unit", "limit"},
   "thresholds": [s of each early exit, or null: nobody leaves there],
   "guard_kept": …, "group_losses": {…}, "said": a sentence or null,
   "validation": scores, "test": scores or null}}}

Scores are `accuracy`, `top1`, `many`, `medium`, `few`, `macs`, `saving`,
`exit_shares` and, where stages were timed, `milliseconds`: expected values,
means over classes.
"""

import pathlib
from numbers import Real

from elf_keras import runs
from elf_keras.errors import InputError
from elf_keras.exits import certainty
from elf_keras.exits.thresholds import ExitThresholds
from elf_keras.policies import policy_rules
from elf_keras.runs import schema

NAME = "policy.json"
FORMAT = 1
_SHAPE = {
    "format": lambda found: found == FORMAT,
    "model": {"exits": int},
    "policies": {str: {"thresholds": [lambda s: s is None or _inside(s)]}},
    "default_policy": str,
}


def read(path: pathlib.Path) -> dict:
    """Read a policy file and check what its users rely on.

    Raises:
      InputError: where it is missing, damaged, or something else.
    """
    record = runs.read_json(path)
    with schema.refusing(
        f"{path} is no policy file of format {FORMAT}",
        "make it with elf_keras.sweep",
    ):
        schema.check(record, _SHAPE)
        policy_rules.of_file(record)
        policies = record["policies"]
        early = record["model"]["exits"] - 1
        for name, policy in policies.items():
            if len(policy["thresholds"]) != early:
                raise ValueError(f"{name} lacks a threshold of an early exit")
        if record["default_policy"] not in policies:
            raise ValueError("its default policy is not among them")
    return record


def thresholds_of(
    record: dict,
    name: str | None,
    *,
    exits: int,
    path: pathlib.Path,
    exit_rule: str = certainty.CONFIDENCE,
) -> ExitThresholds:
    """Thresholds of one policy.

    Args:
      record: of `read`.
      name: of the policy; None is the file's default.
      exits: number of exits K of the model.
      path: of the file, for the message.
      exit_rule: that the thresholds will be used by.

    Raises:
      InputError: for an unknown name, a model with other exits, or another
        exit rule.
    """
    policies = record["policies"]
    name = record["default_policy"] if name is None else name
    if name not in policies:
        raise InputError(
            f"--policy={name} is not in {path}; choose one of "
            f"{', '.join(policies)}"
        )
    if record["model"]["exits"] != exits:
        raise InputError(
            f"{path} was made for a model of {record['model']['exits']} "
            f"exits, this one has {exits}; sweep this run"
        )
    chosen_by = record.get("exit_rule", certainty.CONFIDENCE)
    if chosen_by != exit_rule:
        raise InputError(
            f"{path} has thresholds of the exit rule {chosen_by}, which say "
            f"nothing by --exit_rule={exit_rule}; use that rule, or sweep by "
            "this one"
        )
    return ExitThresholds.of(policies[name]["thresholds"])


def _inside(threshold):
    return isinstance(threshold, Real) and 0 < threshold < 1
