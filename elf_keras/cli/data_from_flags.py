"""From flags to the data, and to the numbers that depend on its classes."""

import pathlib

from absl import flags

from elf_keras.cli import command
from elf_keras.exits import thresholds

FLAGS = flags.FLAGS


def splits():
    """Load the data that the flags name."""
    from elf_keras import data
    from elf_keras.data.splits import FileRules

    if FLAGS.dataset.startswith("cifar"):
        command.load_tensorflow()
    return data.load(
        FLAGS.dataset,
        data_dir=FLAGS.data_dir,
        imbalance=FLAGS.imbalance,
        validation_fraction=FLAGS.validation_fraction,
        validation_group=FLAGS.validation_group,
        seed=FLAGS.seed,
        image_size=FLAGS.image_size,
        files=FileRules(
            list_dir=pathlib.Path(FLAGS.list_dir) if FLAGS.list_dir else None,
            check_counts=FLAGS.check_counts,
            images_on=FLAGS.images_on,
        ),
    )


def train_threshold(classes: int) -> float:
    """Return t, also for methods that do not train with it."""
    return thresholds.parse(FLAGS.train_threshold, FLAGS.exit_loss, classes)


def exit_threshold(classes: int) -> float:
    """Return s, for --exit_rule."""
    return thresholds.parse(
        FLAGS.exit_threshold, FLAGS.exit_loss, classes, rule=FLAGS.exit_rule
    )


def score_scale() -> float:
    """Return σ, by which the exit loss multiplies scores: 1 but for LDAM."""
    cosine = FLAGS.exit_loss in thresholds.COSINE_LOSSES
    return FLAGS.ldam_scale if cosine else 1.0
