"""The image size beyond which small photos would only be magnified."""

import math
import pathlib
import statistics
from collections.abc import Sequence

from elf_keras.data import images

# Files that are looked at, and what sizes are multiples of: the pixels that
# backbones for photos make one of.
SAMPLE, STEP = 1000, 32


def limited(
    paths: Sequence[pathlib.Path], size: int, limit: float
) -> tuple[int, str]:
    """The largest size at which half of the images keep within a limit.

    min(size, 32 ceil(limit m / 32)), where m is the median of the shorter
    sides of up to 1,000 files.

    Args:
      paths: image files; those that cannot be read do not count.
      size: pixels that are asked for, 1 or more.
      limit: times that an image may be magnified, 1 or more.

    Returns:
      The size, and a sentence about it, or "" where it is the one asked for.
    """
    some = paths[:: max(math.ceil(len(paths) / SAMPLE), 1)]
    sides = [side for side in map(images.shorter_side, some) if side]
    if not sides:
        return size, ""
    median = statistics.median(sides)
    found = STEP * math.ceil(limit * median / STEP)
    if found >= size:
        return size, ""
    return found, (
        f"images are small (the median of their shorter sides is {median:g} "
        f"pixels); --magnification_limit={limit:g} makes their size {found} "
        f"pixels instead of {size}"
    )
