"""From flags to the places and the form of a model's exits."""

import re

from absl import flags

from elf_keras import models
from elf_keras.errors import InputError
from elf_keras.models.backbones import tapped

FLAGS = flags.FLAGS
_NUMBER = re.compile("[1-9][0-9]{0,5}")


def heads(*, cosine: bool) -> models.Heads:
    """Return what --exit_head, --exit_stride and --head_filters say.

    A model without early exits has no use for their filters.
    """
    single = FLAGS.method == "single"
    filters = None if single else head_filters(FLAGS.head_filters)
    return models.Heads(FLAGS.exit_head, FLAGS.exit_stride, cosine, filters)


def exits() -> str | tuple[str, ...]:
    """Return where exits are, as `models.build` takes it.

    With --taps the numbers of --exits count these layers.
    """
    if FLAGS.method == "single":
        return "none"
    if not FLAGS.taps:
        return FLAGS.exits
    return tuple(tapped.numbered(FLAGS.exits, FLAGS.taps))


def head_filters(words: list[str]) -> tuple[tuple[int, int], ...] | None:
    """Read --head_filters: `64:128` is a pair, `64` stands for `64:64`.

    Returns:
      A pair for each early exit; None where nothing is given.

    Raises:
      InputError: for what is no such number or pair.
    """
    if not words:
        return None
    return tuple(_pair(word, ",".join(words)) for word in words)


def _pair(word, given):
    numbers = [number.strip() for number in word.split(":")]
    read = all(_NUMBER.fullmatch(number) for number in numbers)
    if not read or len(numbers) > 2:
        raise InputError(
            f"--head_filters={given}: expected for each early exit one or two "
            f"whole numbers above 0, such as 64:128,96:192, not {word!r}"
        )
    return int(numbers[0]), int(numbers[-1])
