"""From flags to the policies of an export: a sweep's, or what it would make."""

import dataclasses

from absl import flags

from elf_keras.cli import (
    answer_from_flags,
    command,
    thresholds_from_flags,
    workdir,
)
from elf_keras.errors import InputError
from elf_keras.exits import answer_rule
from elf_keras.exits.answer_rule import AnswerRule
from elf_keras.policies import policy_rules, sentences
from elf_keras.policies.policy_rules import PolicyPlan

FLAGS = flags.FLAGS


@dataclasses.dataclass(frozen=True)
class Offer:
    """What an export is to offer, and where that is from, in words."""

    rule: AnswerRule
    plan: PolicyPlan
    default: str
    said: str


def to_export(classes: int, exits: int) -> Offer:
    """Policies of --policy_file or of the run's sweep, else a sweep's defaults.

    Raises:
      InputError: where --policy is not among them, or the file is of another
        model or exit rule.
    """
    path = thresholds_from_flags.file()
    if FLAGS.policy_file or path.exists():
        record = thresholds_from_flags.read()
        _say_of_other_means(record, path)
        found = thresholds_from_flags.leaving(record, path, classes, exits)
        plan, source = policy_rules.of_file(record), f"those of {path}"
        return Offer(found.rule, plan, found.policy, _said(source, plan))
    plan = policy_rules.by_default(FLAGS.seed)
    default = FLAGS.policy or policy_rules.ACCURATE
    names = [policy_rules.ALL_EXITS, *(rule.name for rule in plan.rules)]
    names.append(policy_rules.STATIC)
    if default not in names:
        raise InputError(
            f"--policy={default}: {path} does not exist, and without it an "
            f"export has only {', '.join(names)}; choose one of these, or run "
            f"elf-keras sweep --workdir={workdir.workdir()} first"
        )
    if answer_from_flags.chooses_decay():
        command.say(
            "note: no sweep has chosen the decay of running sums, so it is "
            f"{answer_rule.DECAY:g}; run elf-keras sweep "
            f"--workdir={workdir.workdir()} first to have it chosen"
        )
    source = (
        f"{path} does not exist, so they are those of elf-keras sweep by "
        "default"
    )
    return Offer(answer_from_flags.rule(), plan, default, _said(source, plan))


def _say_of_other_means(record, path):
    """Names mean the same only where means over classes do."""
    prior = FLAGS.deployment_prior
    meant = record.get("deployment_prior", prior)
    if meant != prior:
        command.say(
            f"note: policies of {path} were chosen by --deployment_prior="
            f"{meant}; here they are chosen again by {prior}: add the flag, if "
            "they are to mean the same"
        )


def _said(source, plan):
    return (
        f"policies: {source}, chosen again for each variant; "
        f"{sentences.guard(plan.guard)}"
    )
