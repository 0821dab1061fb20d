"""What a backbone takes and hands out: pixels, named taps, final features."""

import dataclasses
from collections.abc import Callable, Iterable
from typing import NamedTuple

import keras
import numpy as np

from elf_keras.errors import InputError


class Pixels(NamedTuple):
    """By which images are normalized: (x - mean) / deviation.

    Attributes:
      mean: of the training pixels, one value or per channel, of 0 to 255.
      deviation: their standard deviation, likewise; > 0.
    """

    mean: float | np.ndarray = 127.5
    deviation: float | np.ndarray = 127.5


# To -1 … 1, whatever the images are.
CENTRED = Pixels()


def numbered(exits: str, taps: Iterable[str]) -> list[str]:
    """Return the taps that a user asked for, in their order.

    Args:
      exits: `all`, `none`, or tap numbers from 1 on, as `1,3`.

    Raises:
      InputError: for a number that is no tap.
    """
    names = {str(k): name for k, name in enumerate(taps, start=1)}
    if exits in ("all", "none"):
        return list(names.values()) if exits == "all" else []
    numbers = [number.strip() for number in exits.split(",")]
    if not set(numbers) <= set(names) or len(set(numbers)) < len(numbers):
        raise InputError(
            f"exits {exits!r}: expected all, none, or different numbers "
            f"among {', '.join(names)} (taps {', '.join(names.values())})"
        )
    return [name for k, name in names.items() if k in numbers]


@dataclasses.dataclass(frozen=True)
class TappedBackbone:
    """A backbone without classifier, and the places where exits can sit.

    Attributes:
      inputs: normalized images, `(batch, height, width, channels)`.
      taps: name -> feature map at which an early exit may be attached, from
        the input on; every path to the output crosses each of them.
      features: the last feature map, `(batch, height, width, channels)`.
      head: a key of `EXIT_HEADS`, the form of exit that suits this backbone.
      head_filters: for each tap a pair, filters of the first and the second
        convolution of an exit there; None for as many as the tap has channels.
      twin_block: from a name to features as large as `features`: the last
        block once more, on the same input, with weights of its own; None
        where the backbone has no such block.
    """

    inputs: keras.KerasTensor
    taps: dict[str, keras.KerasTensor]
    features: keras.KerasTensor
    head: str = "pooled"
    head_filters: tuple[tuple[int, int], ...] | None = None
    twin_block: Callable[[str], keras.KerasTensor] | None = None

    def chosen(self, exits: str) -> dict[str, keras.KerasTensor]:
        """Return the taps that a user asked for.

        Args:
          exits: `all`, `none`, or tap numbers from 1 on, as `1,3`.

        Raises:
          InputError: for a number that is no tap, and without any tap.
        """
        if exits == "none":
            return {}
        if not self.taps:
            raise InputError(
                f"images of {self.inputs.shape[1:3]} leave this backbone "
                "no place for an early exit (one before each change of "
                "resolution but the last); give larger images (--image_size), "
                "another backbone (--backbone), or no exits (--exits=none)"
            )
        return {name: self.taps[name] for name in numbered(exits, self.taps)}

    def filters(self, chosen: Iterable[str]) -> list[tuple[int, int]]:
        """Return the pair of filters of an exit at each of these taps."""
        if self.head_filters is None:
            return [(self.taps[name].shape[-1],) * 2 for name in chosen]
        own = dict(zip(self.taps, self.head_filters, strict=True))
        return [own[name] for name in chosen]


def check_side(images: keras.KerasTensor, least: int, network: str) -> None:
    """Refuse images that a network would halve away.

    Args:
      images: `(batch, height, width, channels)`.
      least: pixels that their shorter side must have.
      network: what cannot take them, with its article.

    Raises:
      InputError: where they are smaller.
    """
    side = min(images.shape[1:3])
    if side < least:
        raise InputError(
            f"images of side {side} are too small for {network}: expected "
            f"at least {least} pixels; give larger images (--image_size)"
        )
