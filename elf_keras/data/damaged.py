"""Images that turn out to be damaged when they are decoded.

They were whole by header and end. A training of days does not end for one of
them: it is shown as a black image, and the user is told.
"""

import os
import pathlib

import numpy as np

from elf_keras import runs
from elf_keras.data import images, splits
from elf_keras.errors import InputError

_BLACK = np.zeros((1, 1, 3), np.uint8)


class Damaged:
    """Files below a folder that were found to be damaged, and why.

    Attributes:
      reasons: name, relative to the folder and legible -> reason.
      told: names that the user was told of.
    """

    def __init__(self, root: pathlib.Path):
        self.root = root
        self.reasons = {}
        self.told = set()

    def upright(self, path: bytes, least: int) -> np.ndarray:
        """As `images.upright`, but black where the image is damaged.

        Raises:
          InputError: where the system cannot read the file; that says
            nothing of the image.
        """
        file = os.fsdecode(path)
        name = runs.legible(os.path.relpath(file, self.root))
        try:
            return images.upright(file, least)
        except MemoryError:
            raise
        except Exception as error:  # Pillow's decoders raise many types
            if isinstance(error, OSError) and error.errno:
                raise InputError(
                    f"{runs.legible(file)}: {error.strerror}; this image could "
                    "be read before: repair the disk or restore the file"
                ) from error
            self.reasons[name] = images.reason_of(error, file)
            return _BLACK


def of(data: splits.Splits) -> dict[str, str]:
    """Every image of some data that was found to be damaged, and why."""
    return {
        name: reason
        for each in _records(data)
        for name, reason in sorted(each.reasons.items())
    }


def news(data: splits.Splits) -> list[str]:
    """A sentence on those that were found since the last call, if any."""
    found = []
    for each in _records(data):
        new = sorted(each.reasons.keys() - each.told)
        each.told.update(new)
        found += [f"{name} ({each.reasons[name]})" for name in new]
    if not found:
        return []
    return [
        f"damaged images, taken as black: {len(found)}, such as "
        f"{splits.shown(found)}; repair or remove them."
    ]


def _records(data):
    """What the parts on disk share, each once."""
    parts = (data.train, data.validation, data.test)
    records = [getattr(part.images, "damaged", None) for part in parts if part]
    return [each for each in dict.fromkeys(records) if each is not None]
