"""From --policy and --policy_file to the exit thresholds of a model."""

import pathlib

from absl import flags

from elf_keras import runs
from elf_keras.cli import answer_from_flags, command, workdir
from elf_keras.errors import InputError
from elf_keras.exits import answer_rule
from elf_keras.exits.answer_rule import AnswerRule
from elf_keras.exits.thresholds import ExitThresholds
from elf_keras.policies import policy_file

FLAGS = flags.FLAGS


def of_run(classes: int, exits: int) -> ExitThresholds:
    """Return --policy's thresholds, or --exit_threshold where none is named."""
    if FLAGS.policy is None and FLAGS.policy_file is None:
        return answer_from_flags.exit_thresholds(classes, exits)
    record, thresholds = policy(classes, exits)
    made_for = record["model"].get("sha256")
    if made_for and made_for != runs.checksum(workdir.workdir() / runs.MODEL):
        command.say(
            f"note: {_file()} was chosen for another model.keras than this; "
            "what it says of accuracy and cost holds for that one"
        )
    return thresholds


def policy(
    classes: int, exits: int, rule: AnswerRule | None = None
) -> tuple[dict, ExitThresholds]:
    """Return the policy file that flags name, and --policy's thresholds.

    They must be those of a rule, by default of the flags'.
    """
    record, path = _read(), _file()
    rule = rule or answer_from_flags.rule()
    model = policy_file.UsedBy(exits, classes, rule.scale, **rule.told)
    return record, policy_file.thresholds_of(
        record, FLAGS.policy, model, path=path
    )


def rule_to_export() -> AnswerRule:
    """How an export shall leave.

    As the command line says, else as the policies do that it is to have, else
    as the run's own flags say.
    """
    rule = answer_from_flags.rule()
    named = FLAGS.policy is not None or FLAGS.policy_file is not None
    if not named or answer_from_flags.is_given_here():
        return rule
    chosen = answer_rule.of_record(_read(), rule.scale)
    return answer_from_flags.checked(chosen)


def of_export(found) -> ExitThresholds:
    """Thresholds of --policy in an export, or s where it is not named.

    Args:
      found: the `artefact.Artefact`.

    Raises:
      InputError: for a policy, or a way to leave, that the export has not.
    """
    asked = answer_from_flags.rule()
    other = answer_from_flags.is_given_here()
    if other and not asked.leaves_as(found.rule):
        raise InputError(
            f"{asked.flags}: --export={FLAGS.export} leaves by "
            f"{found.rule.shown}; add {found.rule.flags}, or export the run "
            "once more by this rule"
        )
    if FLAGS.policy_file is not None:
        raise InputError(
            "--policy_file: an export has policies of its own, chosen for "
            "each variant; leave it out beside --export"
        )
    if FLAGS.policy is None:
        classes, exits = len(found.class_names), len(found.costs.with_heads)
        return answer_from_flags.exit_thresholds(classes, exits, by=found.rule)
    return found.thresholds_of(FLAGS.policy)


def _read():
    """The policy file that flags name."""
    path = _file()
    if not path.exists():
        missing = f"{path.parent} holds no {path.name}"
        if FLAGS.policy_file:
            missing = f"--policy_file={path} does not exist"
        raise InputError(
            f"{missing}: policies are chosen by elf_keras.sweep --workdir="
            f"{workdir.workdir()}; or name the file of a run like it by "
            "--policy_file"
        )
    return policy_file.read(path)


def _file():
    """--policy_file, by default that of the run."""
    return pathlib.Path(
        FLAGS.policy_file or workdir.workdir() / policy_file.NAME
    )
