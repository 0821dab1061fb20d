"""From --policy and --policy_file to the exit thresholds of a model."""

import pathlib

from absl import flags

from elf_keras import runs
from elf_keras.cli import answer_from_flags, command, workdir
from elf_keras.errors import InputError
from elf_keras.exits import certainty
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


def policy(classes: int, exits: int) -> tuple[dict, ExitThresholds]:
    """Return the policy file that flags name, and --policy's thresholds."""
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
    record = policy_file.read(path)
    rule = answer_from_flags.rule()
    model = policy_file.UsedBy(exits, classes, rule.scale, **rule.told)
    thresholds = policy_file.thresholds_of(
        record, FLAGS.policy, model, path=path
    )
    return record, thresholds


def check_rule_of_export() -> None:
    """Refuse an --exit_rule that no exported model has."""
    if FLAGS.exit_rule != certainty.CONFIDENCE:
        raise InputError(
            f"--exit_rule={FLAGS.exit_rule}: exported models leave by "
            "confidence alone; add --exit_rule=confidence"
        )


def _file():
    """--policy_file, by default that of the run."""
    return pathlib.Path(
        FLAGS.policy_file or workdir.workdir() / policy_file.NAME
    )
