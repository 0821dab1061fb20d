"""What every data source returns: images, labels and what the user must know.

Images are a uint8 array in memory, or `image_files.ImageFiles` that behave
like one, so any source feeds the one pipeline.
"""

import dataclasses
import functools
from collections.abc import Hashable, Sequence

import numpy as np

from elf_keras.data import long_tail
from elf_keras.errors import InputError

PARTS = ("train", "validation", "test")
NAMES_SHOWN = 5
STATISTICS_FILES = 500
# Images whose pixels are counted at a time.
_COUNTED = 1024


@dataclasses.dataclass(frozen=True, eq=False)
class Examples:
    """Images (examples, height, width, channels) uint8 with their labels.

    Labels are int32 (examples,); names are file paths or source ids. Images
    on disk are indexed like an array; `np.asarray` of some reads them.
    """

    images: "np.ndarray | image_files.ImageFiles"  # noqa: F821
    labels: np.ndarray
    names: tuple[str, ...]
    # What stays on one side of a cut, if the source says it.
    groups: tuple[str, ...] | None = None

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def kept(self) -> float:
        """The centre square's part of a photo's shorter side, in (0, 1]."""
        return getattr(self.images, "kept", 1.0)

    def take(self, indices: np.ndarray) -> "Examples":
        """The examples at `indices`, in that order."""
        return Examples(
            self.images[indices],
            self.labels[indices],
            tuple(self.names[index] for index in indices),
            self.groups and tuple(self.groups[index] for index in indices),
        )

    def repeated(self, times: int) -> "Examples":
        """The examples in their order, so many times, 1 or more."""
        if times == 1:
            return self
        return self.take(np.tile(np.arange(len(self)), times))


@dataclasses.dataclass(frozen=True)
class LeftOut:
    """Files or folders of the data folder that are no example, and why."""

    reason: str  # such as `hidden`, `suffix .txt is no image`
    names: tuple[str, ...]  # relative to the data folder, legible


@dataclasses.dataclass(frozen=True, eq=False)
class Splits:
    """The parts of one data set, and what was left out of them.

    `published_pixels` are mean and deviation per channel, 0 to 255, where
    the data set has its own.
    """

    train: Examples
    validation: Examples | None
    test: Examples | None
    class_names: tuple[str, ...]
    class_counts: np.ndarray  # in training, before the validation cut
    notes: tuple[str, ...] = ()  # sentences for the user
    skipped: tuple[str, ...] = ()  # names of unread files
    left_out: tuple[LeftOut, ...] = ()  # all of the folder that is no example
    published_pixels: tuple[tuple[float, ...], tuple[float, ...]] | None = None

    @property
    def parts(self) -> dict[str, Examples]:
        """Those that there are, by name."""
        found = {name: getattr(self, name) for name in PARTS}
        return {name: part for name, part in found.items() if part is not None}

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """(height, width, channels)."""
        return self.train.images.shape[1:]

    @functools.cached_property
    def pixel_statistics(self) -> tuple[np.ndarray, np.ndarray]:
        """Mean and deviation per channel, 0 to 255, to normalize with.

        Published ones, or those of the training images (of files: of
        `STATISTICS_FILES` at most).
        """
        if self.published_pixels:
            mean, deviation = self.published_pixels
            return np.array(mean), np.array(deviation)
        images = self.train.images
        if not isinstance(images, np.ndarray):
            images = np.asarray(images[:: -(-len(images) // STATISTICS_FILES)])
        values, counts = np.arange(256), _value_counts(images)
        pixels = counts.sum(axis=1)
        mean = counts @ values / pixels
        variance = counts @ values**2 / pixels - mean**2
        # A channel that never changes must not be divided by 0.
        return mean, np.sqrt(np.maximum(variance, 1.0))

    @property
    def train_counts(self) -> np.ndarray:
        """Training images per class after the validation cut."""
        return np.bincount(self.train.labels, minlength=len(self.class_names))


def _value_counts(images):
    """How often each channel of uint8 images has each value, (channels, 256).

    Some images at a time: NumPy's own deviation makes a float64 copy of all.
    """
    counts = np.zeros((images.shape[-1], 256), np.int64)
    for start in range(0, len(images), _COUNTED):
        some = images[start : start + _COUNTED]
        for channel in range(len(counts)):
            values = some[..., channel].ravel()
            counts[channel] += np.bincount(values, minlength=256)
    return counts


def count_classes(labels: np.ndarray, class_names: Sequence[str]) -> np.ndarray:
    """Training images per class, shape (classes,).

    Raises:
      InputError: naming the classes that have none.
    """
    counts = np.bincount(labels, minlength=len(class_names))
    if not counts.all():
        raise InputError(
            f"no training image of {shown(missing(labels, class_names))}: "
            "expected at least one; add images, drop the class or lower the "
            "imbalance"
        )
    return counts


def cut(
    examples: Examples,
    fraction: float,
    *,
    seed: int,
    groups: Sequence[Hashable] | None = None,
) -> tuple[Examples, Examples | None]:
    """(train, validation) by `long_tail.cut_validation`; None if empty."""
    train, validation = long_tail.cut_validation(
        examples.labels, fraction, seed=seed, groups=groups
    )
    if not len(validation):
        return examples, None
    return examples.take(train), examples.take(validation)


def coverage_notes(
    part: Examples | None, class_names: Sequence[str], split: str
) -> tuple[str, ...]:
    """A sentence on the classes that a split does not score, if any."""
    labels = part.labels if part else np.zeros(0, np.int32)
    absent = missing(labels, class_names)
    if not absent:
        return ()
    return (
        f"{len(absent)} of {len(class_names)} classes have no {split} image "
        f"and are left out of its class means: {shown(absent)}.",
    )


def left_out_notes(left_out: Sequence[LeftOut]) -> tuple[str, ...]:
    """A sentence on each reason for which files were left out."""
    return tuple(
        f"{len(each.names)} left out, {each.reason}: {shown(each.names)}."
        for each in left_out
    )


def missing(labels: np.ndarray, class_names: Sequence[str]) -> list[str]:
    """Names of the classes that no label has."""
    present = set(np.unique(labels).tolist())
    return [name for i, name in enumerate(class_names) if i not in present]


def shown(names: Sequence[str]) -> str:
    """The first few names, quoted, and how many more there are."""
    text = ", ".join(repr(name) for name in names[:NAMES_SHOWN])
    more = len(names) - NAMES_SHOWN
    return f"{text} and {more} more" if more > 0 else text
