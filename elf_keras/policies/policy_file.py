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

NAME = "policy.json"
FORMAT = 1


def read(path: pathlib.Path) -> dict:
    """Read a policy file and check what its users rely on.

    Raises:
      InputError: where it is missing, damaged, or something else.
    """
    record = runs.read_json(path)
    try:
        if record["format"] != FORMAT:
            raise ValueError(f"its format is {record['format']}")
        early = int(record["model"]["exits"]) - 1
        for name, policy in record["policies"].items():
            _check(name, policy["thresholds"], early)
        policy_rules.of_file(record)
        if record["default_policy"] not in record["policies"]:
            raise ValueError("its default policy is not among them")
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        reason = f"{error} is missing" if type(error) is KeyError else error
        raise InputError(
            f"{path} is no policy file of format {FORMAT} ({reason}); make "
            "it with elf_keras.sweep"
        ) from error
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


def _check(name, thresholds, early):
    if len(thresholds) != early:
        raise ValueError(f"{name} has no threshold for each early exit")
    for value in thresholds:
        if value is not None and not (
            isinstance(value, Real) and 0 < value < 1
        ):
            raise ValueError(f"threshold {value!r} of {name}: not in (0, 1)")
