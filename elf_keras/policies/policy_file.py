"""policy.json: the policies that a sweep chose, and how to choose them again.

{"format": 1, "seed": …, "versions": {…}, …
 "exit_rule", "answer", "answer_decay": what thresholds are compared with
   (absent: confidence of own logits),
 "compared": how exit rules and answers did on validation, of `rule_choice`,
   where this rule was chosen among them,
 "decays": {"decays", "losses", …} of `decay_choice`, where it chose this one,
 "model": {"exits": K, "classes": C, "score_scale": σ of its exit loss,
   "sha256": of model.keras, …},
 "chosen_on": {"split": "validation", "images": …},
 "guard": {"tolerance": …, "confidence": …, "resamples": …, "seed": …},
 "deployment_prior": what means over classes are weighted by,
 "temperatures": [T of each exit], "static_temperature": T of the backbone's
   own logits (absent: that of the last exit, where exits answer by their own),
 "default_policy": "accurate",
 "policies": {NAME: {"rule": {"kind", "unit", "limit"},
   "thresholds": [s of each early exit, or null: nobody leaves there],
   "guard_kept": …, "group_losses": {…}, "said": a sentence or null,
   "validation": scores, "test": scores or null}}}

Scores are `accuracy`, `top1`, `many`, `medium`, `few`, `macs`, `saving`,
`exit_shares` and, where stages were timed, `milliseconds`: expected values,
means over classes.
"""

import dataclasses
import pathlib
from numbers import Real

from elf_keras import runs
from elf_keras.errors import InputError
from elf_keras.exits import answer_rule, certainty
from elf_keras.exits.thresholds import ExitThresholds
from elf_keras.policies import policy_rules

NAME = "policy.json"
FORMAT = 1
# What thresholds hold for, as the file's `model` names it, and in words.
_HOLD_FOR = {
    "exits": "{} exits",
    "classes": "{} classes",
    "score_scale": "scores that its loss multiplies by {}",
}


@dataclasses.dataclass(frozen=True)
class UsedBy:
    """The model that thresholds are to be used by.

    Attributes:
      exits: their number K.
      classes: their number C.
      score_scale: σ, by which its exit loss multiplies scores.
      exit_rule, answer, answer_decay: what thresholds are compared with, as
        `AnswerRule` has it.
    """

    exits: int
    classes: int
    score_scale: float = 1.0
    exit_rule: str = certainty.CONFIDENCE
    answer: str = answer_rule.OWN
    answer_decay: float = answer_rule.DECAY


def read(path: pathlib.Path) -> dict:
    """Read a policy file and check what its users rely on.

    Raises:
      InputError: where it is missing, damaged, or something else.
    """
    record, remedy = runs.read_json(path), "make it with elf-keras sweep"
    with runs.refusing(
        f"{path} is no policy file of format {FORMAT}",
        remedy,
        lambda e: f"{e} is missing" if type(e) is KeyError else str(e),
    ):
        if record["format"] != FORMAT:
            raise ValueError(f"its format is {record['format']}")
        early = int(record["model"]["exits"]) - 1
        for name, policy in record["policies"].items():
            if len(policy["thresholds"]) != early:
                raise ValueError(f"{name} has no threshold for each early exit")
            for s in policy["thresholds"]:
                if s is not None and not (isinstance(s, Real) and 0 < s < 1):
                    reason = f"threshold {s!r} of {name}: not in (0, 1)"
                    raise ValueError(reason)
        policy_rules.of_file(record)
        if policy_rules.STATIC in record["policies"]:
            raise ValueError("static is the backbone's own name, no policy's")
        names = [*record["policies"], policy_rules.STATIC]
        if record["default_policy"] not in names:
            raise ValueError("its default policy is not among them")
    with runs.refusing(f"{path} cannot be used", remedy, str):
        answer_rule.of_record(record)
    return record


def thresholds_of(
    record: dict, name: str | None, model: UsedBy, *, path: pathlib.Path
) -> ExitThresholds:
    """Thresholds of one policy, by default the file's own choice.

    Args:
      record: of `read`.
      name: of the policy, or `static`, at which nobody leaves early.
      model: that will use them.
      path: of the file, for the message.

    Raises:
      InputError: for an unknown name, or a file of a model that differs in
        what thresholds depend on.
    """
    names = [*record["policies"], policy_rules.STATIC]
    name = record["default_policy"] if name is None else name
    if name not in names:
        raise InputError(
            f"--policy={name} is not in {path}; choose one of "
            f"{', '.join(names)}"
        )
    for key, words in _HOLD_FOR.items():
        # Files of before do not tell them all.
        ours = getattr(model, key)
        theirs = record["model"].get(key, ours)
        if theirs != ours:
            raise InputError(
                f"{path} was made for a model of {words.format(theirs)}, this "
                f"one has {words.format(ours)}; sweep this run, or give the "
                "file of a similar one"
            )
    chosen_by = answer_rule.of_record(record)
    used_by = answer_rule.of_record(vars(model))
    if not chosen_by.leaves_as(used_by):
        raise InputError(
            f"{path} has thresholds of the exit rule {chosen_by.shown}, which "
            f"do not apply to {used_by.flags}; leave these flags out, or sweep "
            "with them"
        )
    if name == policy_rules.STATIC:
        return ExitThresholds.nobody(model.exits)
    return ExitThresholds.of(record["policies"][name]["thresholds"])
