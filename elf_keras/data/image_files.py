"""Images that stay on disk: an array-like of files, decoded when asked for.

It takes the place of the pixel array in `splits.Examples`, so that whoever
needs a few pixels indexes it as an array, and `pipeline` streams the rest.
"""

import dataclasses
import pathlib
from collections.abc import Sequence

import numpy as np

from elf_keras import errors
from elf_keras.data import images
from elf_keras.data.damaged import Damaged

CHUNK = 64


@dataclasses.dataclass(frozen=True, eq=False)
class ImageFiles:
    """Files that stand for uint8 (files, size, size, 3).

    A slice or an array of indices gives other `ImageFiles`; one index, or
    `np.asarray`, gives pixels, as evaluation sees them.
    """

    root: pathlib.Path  # folder that the names are relative to
    names: np.ndarray  # of the files, objects
    special: np.ndarray  # files that only Pillow reads by our rules, bools
    size: int  # pixels, height and width
    kept: float = 1.0  # the centre square's part of the shorter side, (0, 1]
    # What fails only when decoded; shared by all that was taken from these.
    damaged: Damaged = None

    dtype = np.dtype(np.uint8)

    def __post_init__(self):
        if self.damaged is None:
            object.__setattr__(self, "damaged", Damaged(self.root))

    def __len__(self) -> int:
        return len(self.names)

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """(files, size, size, 3)."""
        return len(self), self.size, self.size, 3

    def __getitem__(self, index):
        if isinstance(index, (int, np.integer)):
            return np.asarray(self[[index]])[0]
        return dataclasses.replace(
            self, names=self.names[index], special=self.special[index]
        )

    def __iter__(self):
        for chunk in self._chunks():
            yield from chunk

    def __array__(self, dtype=None, copy=None) -> np.ndarray:
        pixels, start = np.zeros(self.shape, np.uint8), 0
        for chunk in self._chunks():
            pixels[start : start + len(chunk)] = chunk
            start += len(chunk)
        return pixels if dtype is None else pixels.astype(dtype, copy=False)

    def _chunks(self):
        """All pixels, some at a time: memory stays flat."""
        from elf_keras.data import decoding

        with errors.translated():
            for batch in decoding.batches(self, CHUNK):
                yield batch.numpy()


def of(
    root: pathlib.Path,
    names: list[str],
    *,
    size: int,
    kept: float = 1.0,
    special: np.ndarray | None = None,
) -> ImageFiles:
    """`ImageFiles` of names below a folder.

    Which are `special` is found by `images.scan` where it is not known.
    """
    if special is None:
        special, _ = images.scan([root / name for name in names])
    return ImageFiles(root, np.array(names, object), special, size, kept)


def joined(
    parts: "Sequence[np.ndarray | ImageFiles]",
) -> "np.ndarray | ImageFiles":
    """Images of several parts, or files of one folder, in one."""
    if isinstance(parts[0], np.ndarray):
        return np.concatenate(parts)
    return dataclasses.replace(
        parts[0],
        names=np.concatenate([part.names for part in parts]),
        special=np.concatenate([part.special for part in parts]),
    )
