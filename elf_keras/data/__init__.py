"""The table of data sources; a new source is one function and one line."""

import dataclasses
import pathlib

from elf_keras.data import images, splits
from elf_keras.data.sources import cifar, digits, folder, published
from elf_keras.errors import InputError

SOURCES = {
    "digits_lt": digits.digits_lt,
    "cifar10_lt": cifar.cifar10_lt,
    "cifar100_lt": cifar.cifar100_lt,
    "folder": folder.load,
    "imagenet_lt": published.imagenet_lt,
    "places_lt": published.places_lt,
    "inat18": published.inat18,
}
DEFAULT_FILES = splits.FileRules()


def load(
    name: str,
    *,
    data_dir: str | pathlib.Path | None = None,
    imbalance: float = 100.0,
    validation_fraction: float = 0.1,
    validation_group: str | None = None,
    seed: int = 0,
    image_size: int | None = None,
    files: splits.FileRules = DEFAULT_FILES,
) -> splits.Splits:
    """The splits of the source `name` (a key of `SOURCES`).

    Args:
      data_dir: where the data are; for CIFAR a TensorFlow Datasets
        folder. The embedded digits need none.
      imbalance: largest class over smallest, 1 or more. A folder keeps
        the classes as they are.
      validation_fraction: share of training cut per class, in [0, 1).
      validation_group: only for a folder: which images stay on one side,
        see `folder.group_names`.
      seed: of the choice of images and of the cut.
      image_size: pixels, square; None keeps the source's own.
      files: how image files are treated.

    Returns:
      Splits whose every class has at least one training image.

    Raises:
      InputError: for anything that cannot be used, naming it.
    """
    if name not in SOURCES:
        raise InputError(
            f"data set {name!r}: expected one of {', '.join(SOURCES)}"
        )
    if image_size is not None and image_size < 1:
        raise InputError(f"image size {image_size}: expected 1 or more pixels")
    if validation_group and name != "folder":
        raise InputError(
            f"validation group {validation_group!r} with {name}: only the "
            "data set 'folder' has file names to group by; remove it"
        )
    request = splits.Request(
        data_dir=pathlib.Path(data_dir) if data_dir else None,
        imbalance=imbalance,
        validation_fraction=validation_fraction,
        validation_group=validation_group or None,
        seed=seed,
        image_size=image_size,
        files=files,
    )
    return _at_size(SOURCES[name](request), image_size)


def _at_size(loaded: splits.Splits, image_size: int | None) -> splits.Splits:
    if image_size is None or loaded.image_shape[:2] == (image_size,) * 2:
        return loaded
    parts = {
        part: examples and images.resized(examples, image_size)
        for part, examples in (
            ("train", loaded.train),
            ("validation", loaded.validation),
            ("test", loaded.test),
        )
    }
    return dataclasses.replace(loaded, **parts)
