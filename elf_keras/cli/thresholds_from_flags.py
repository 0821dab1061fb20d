"""From --policy and --policy_file to the exit thresholds of a model."""

import pathlib

from absl import flags

from elf_keras.cli import data_from_flags, workdir
from elf_keras.errors import InputError
from elf_keras.exits import certainty
from elf_keras.exits.thresholds import ExitThresholds
from elf_keras.policies import policy_file

FLAGS = flags.FLAGS


def of_run(classes: int, exits: int) -> ExitThresholds:
    """Return --policy's thresholds, or --exit_threshold where none is named."""
    if FLAGS.policy is None and FLAGS.policy_file is None:
        return data_from_flags.exit_thresholds(classes, exits)
    path = file()
    return policy_file.thresholds_of(
        policy_file.read(path),
        FLAGS.policy,
        exits=exits,
        path=path,
        exit_rule=FLAGS.exit_rule,
    )


def check_rule_of_export() -> None:
    """Refuse an --exit_rule that no exported model has."""
    if FLAGS.exit_rule != certainty.CONFIDENCE:
        raise InputError(
            f"--exit_rule={FLAGS.exit_rule}: exported models leave by "
            "confidence alone; add --exit_rule=confidence"
        )


def file() -> pathlib.Path:
    """Return --policy_file, by default that of the run."""
    return pathlib.Path(
        FLAGS.policy_file or workdir.workdir() / policy_file.NAME
    )
