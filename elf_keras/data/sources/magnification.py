"""The image size beyond which small photos would only be magnified.

And how much of a photo its centre square is.
"""

import math
import pathlib
import statistics
from collections.abc import Sequence

from elf_keras.data import images

# Files that are looked at, and what sizes are multiples of: the pixels that
# backbones for photos make one of.
SAMPLE, STEP = 1000, 32
# Share of a photo, below which it is worth a word that the rest is not used.
LITTLE = 0.6


def limited(
    paths: Sequence[pathlib.Path], size: int, limit: float | None
) -> tuple[int, list[str]]:
    """The largest size at which half of the images keep within a limit.

    min(size, 32 ceil(limit m / 32)), where m is the median of the shorter
    sides of up to 1,000 files.

    Args:
      paths: image files; those that cannot be read do not count.
      size: pixels that are asked for, 1 or more.
      limit: times that an image may be magnified, 1 or more; None: any.

    Returns:
      The size, and what to say: that it is not the one asked for, and that
      half of the images are much longer than wide.
    """
    some = paths[:: max(math.ceil(len(paths) / SAMPLE), 1)]
    sides = [pair for pair in map(images.sides, some) if pair]
    if not sides:
        return size, []
    median = statistics.median(short for short, _ in sides)
    share = statistics.median(short / long for short, long in sides)
    notes = []
    if share < LITTLE:
        notes.append(
            "photos are made square by their centre, which is "
            f"{100 * share:.0f} % of most of these or less: what lies beyond "
            "is not seen in use; crop them to their object if it is cut off"
        )
    found = STEP * math.ceil((limit or size) * median / STEP)
    if found >= size:
        return size, notes
    return found, [
        *notes,
        f"images are small (the median of their shorter sides is {median:g} "
        f"pixels); --magnification_limit={limit:g} makes their size {found} "
        f"pixels instead of {size}",
    ]
