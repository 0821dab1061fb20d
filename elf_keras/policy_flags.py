"""From --policy and --policy_file to the exit thresholds of a model."""

import pathlib

import numpy as np
from absl import flags

from elf_keras import cli, policy_file

FLAGS = flags.FLAGS


def limits(classes: int, exits: int) -> float | np.ndarray:
    """Return --policy's thresholds `(exits,)`, or s where none is named.

    Raises:
      InputError: for a policy file that does not fit.
    """
    if FLAGS.policy is None and FLAGS.policy_file is None:
        return cli.exit_threshold_from_flags(classes)
    path = file()
    record = policy_file.read(path)
    return policy_file.limits(record, FLAGS.policy, exits=exits, path=path)


def file() -> pathlib.Path:
    """Return --policy_file, by default that of the run."""
    return pathlib.Path(FLAGS.policy_file or cli.workdir() / policy_file.NAME)
