"""The table of data sources; a new source is one function and one line."""

import dataclasses
import functools
import math
from collections import ChainMap

from elf_keras import plugins
from elf_keras.data import images, splits
from elf_keras.data.data_request import Request
from elf_keras.data.sources import arrays, cifar, digits, folder, published
from elf_keras.data.sources.arrays import from_arrays
from elf_keras.data.splits import Splits
from elf_keras.errors import InputError

__all__ = ["SOURCES", "Request", "Splits", "from_arrays", "load"]

# Its own, and those of plug-ins.
SOURCES = ChainMap(
    {
        "digits_lt": digits.digits_lt,
        "cifar10_lt": functools.partial(cifar.load, "cifar10"),
        "cifar100_lt": functools.partial(cifar.load, "cifar100"),
        "folder": folder.load,
        "arrays": arrays.load,
        **{
            name: functools.partial(published.load, name)
            for name in published.SETS
        },
    },
    plugins.DATA_SOURCES,
)
DEFAULTS = Request()


def load(name: str, request: Request = DEFAULTS) -> splits.Splits:
    """The splits of the source `name`, a key of `SOURCES`.

    Returns:
      Splits whose every class has at least one training image.

    Raises:
      InputError: for anything that cannot be used, naming it.
    """
    size, group = request.image_size, request.validation_group
    if name not in SOURCES:
        raise InputError(
            f"data set {name!r}: expected one of {', '.join(SOURCES)}"
        )
    if size is not None and size < 1:
        raise InputError(f"image size {size}: expected 1 or more pixels")
    limit = request.magnification_limit
    if limit is not None and not 1 <= limit < math.inf:
        raise InputError(f"magnification limit {limit}: expected 1 or more")
    if group and name != "folder":
        raise InputError(
            f"validation group {group!r} with {name}: only the data set "
            "'folder' has file names to group by; remove it"
        )
    if request.labels and name != "folder":
        raise InputError(
            f"table of labels {request.labels} with {name}: only the data set "
            "'folder' takes one; remove it"
        )
    loaded = SOURCES[name](request)
    if not isinstance(loaded, Splits):
        raise InputError(
            f"data set {name!r} of a plug-in returns a "
            f"{type(loaded).__name__}; expected Splits, such as "
            "data.from_arrays makes of arrays"
        )
    # A folder has the size that its images are worth.
    return loaded if name == "folder" else _at_size(loaded, size)


def _at_size(loaded: splits.Splits, image_size: int | None) -> splits.Splits:
    if image_size is None or loaded.image_shape[:2] == (image_size,) * 2:
        return loaded
    parts = {
        part: getattr(loaded, part)
        and images.resized(getattr(loaded, part), image_size)
        for part in ("train", "validation", "test")
    }
    return dataclasses.replace(loaded, **parts)
