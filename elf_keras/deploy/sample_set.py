"""A few images beside an export, so that page and runner have some to try."""

import pathlib

import numpy as np

from elf_keras import runs
from elf_keras.data import splits

IMAGES = 60


def write(
    folder: pathlib.Path, examples: splits.Examples, classes: int
) -> None:
    """Write samples.json and images.bin: uint8, image after image, NHWC.

    Args:
      folder: `samples/` of an export.
      examples: the split to take them from, the same number a class where
        there are enough.
      classes: number of classes C.
    """
    each = max(1, IMAGES // classes)
    rows = [np.flatnonzero(examples.labels == c)[:each] for c in range(classes)]
    # By turns, so that the first few already show several classes.
    chosen = np.array(
        [row[n] for n in range(each) for row in rows if n < len(row)], int
    )[:IMAGES]
    part = examples.take(chosen)
    with runs.replacing(folder / "images.bin") as temporary:
        temporary.write_bytes(np.asarray(part.images).tobytes())
    runs.write_json(
        folder / "samples.json",
        {
            "images": "samples/images.bin",
            "count": len(part),
            "labels": part.labels,
            "names": [pathlib.PurePath(name).name for name in part.names],
        },
    )
