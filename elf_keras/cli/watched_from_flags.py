"""Which validation images a training looks at, where time is short."""

from absl import flags

from elf_keras.cli import command
from elf_keras.data import balanced_part, splits

FLAGS = flags.FLAGS


def some(data: splits.Splits, images: int) -> splits.Examples | None:
    """So many of them, of each class where it can; None without any."""
    if data.validation is None:
        return None
    return balanced_part.some(data.validation, images, FLAGS.seed)


def say(watched: splits.Examples | None, data: splits.Splits) -> None:
    """Say that they are a part, if they are."""
    if watched is not None and len(watched) < len(data.validation):
        command.say(
            f"note: training looks at {len(watched)} of {len(data.validation)} "
            "validation images, or scoring them would take its time; scores "
            "and thresholds are of all"
        )
