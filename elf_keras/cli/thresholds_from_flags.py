"""From --policy and --policy_file to the exit thresholds of a model."""

import pathlib

import numpy as np
from absl import flags

from elf_keras.cli import data_from_flags, workdir
from elf_keras.errors import InputError
from elf_keras.exits import certainty
from elf_keras.policies import policy_file

FLAGS = flags.FLAGS


def limits(classes: int, exits: int) -> float | np.ndarray:
    """Return --policy's thresholds `(exits,)`, or s where none is named.

    Raises:
      InputError: for a policy file that does not fit.
    """
    if FLAGS.policy is None and FLAGS.policy_file is None:
        return data_from_flags.exit_threshold(classes)
    path = file()
    record = policy_file.read(path)
    return policy_file.limits(
        record,
        FLAGS.policy,
        exits=exits,
        path=path,
        exit_rule=FLAGS.exit_rule,
    )


def artefact(class_names: list[str]):
    """Load --variant of --export, an export of this very run.

    Args:
      class_names: of the run.

    Raises:
      InputError: where it is of other classes, or cannot be used.
    """
    from elf_keras.deploy import artefact as artefacts

    found = artefacts.load(pathlib.Path(FLAGS.export), FLAGS.variant)
    if found.class_names != list(class_names):
        raise InputError(
            f"--export={FLAGS.export} tells {len(found.class_names)} classes "
            f"apart, from {found.class_names[0]!r} on, the run "
            f"{len(class_names)}, from {class_names[0]!r} on: name an export "
            "of this run"
        )
    return found


def limits_of_export(found) -> float | np.ndarray:
    """Thresholds of --policy in the export, or s where it is not named."""
    check_rule_of_export()
    if FLAGS.policy_file is not None:
        raise InputError(
            "--policy_file: an export has policies of its own, chosen for "
            "each variant; leave it out beside --export"
        )
    if FLAGS.policy is None:
        return data_from_flags.exit_threshold(len(found.class_names))
    return found.limits_of(FLAGS.policy)


def check_rule_of_export() -> None:
    """Refuse an --exit_rule that no exported model has.

    Raises:
      InputError: where it is not confidence.
    """
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
