"""A folder of images, one sub-folder per class: the user's own data.

Either `data_dir/{train,validation|val,test}/CLASS/*` or `data_dir/CLASS/*`.
In the second form everything is training, and there is no test split.
"""

import os
import pathlib
import re

import numpy as np

from elf_keras.data import image_files, images, splits
from elf_keras.data.sources import class_folders
from elf_keras.errors import InputError

DEFAULT_SIZE = 32
MOST_CORRUPT = 0.01
# Photos are cut anew every epoch, from all their pixels.
LARGE_SIZE = 128
# Of this machine's memory, for the images of all splits.
MEMORY_SHARE = 0.25


def load(request: splits.Request) -> splits.Splits:
    """Every image of a folder, as RGB at `request.image_size` (32).

    A validation folder is used whole; without one, `validation_fraction` is
    cut from training. Files of other kinds are ignored, corrupt images
    skipped and named. Images are held in memory; `images_on="auto"` leaves
    them on disk from `LARGE_SIZE` pixels on, or where they would take more
    than `MEMORY_SHARE` of it. There only their headers are read at first.

    Returns:
      Splits with images (examples, image_size, image_size, 3).

    Raises:
      InputError: no such folder or no class in it, classes that differ
        between splits, a class without images, over 1 % corrupt files.
    """
    folders = class_folders.split_folders(request.data_dir)
    class_names = class_folders.class_names_of(folders)
    found = {
        split: class_folders.image_files_of(folder, class_names)
        for split, folder in folders.items()
    }
    for split, (paths, _) in found.items():
        _check_any(paths, folders[split])
    total = sum(len(paths) for paths, _ in found.values())
    size = request.image_size or DEFAULT_SIZE
    read = _headers if on_disk(total, size, request) else _pixels
    parts, faults = {}, {}
    for split, (paths, labels) in found.items():
        names = [str(path.relative_to(request.data_dir)) for path in paths]
        everything, reasons = read(request.data_dir, names, size)
        good = np.array([not reason for reason in reasons], bool)
        _check_emptied(labels, good, folders[split], class_names)
        part = splits.Examples(everything, labels, tuple(names))
        parts[split] = part.take(np.flatnonzero(good))
        faults |= {n: r for n, r in zip(names, reasons, strict=True) if r}
    _check_faults(faults, total)
    return _assembled(parts, class_names, faults, request)


def on_disk(files: int, size: int, request: splits.Request) -> bool:
    """Whether images stay on disk, see `load`."""
    if request.files.images_on != "auto":
        return request.files.images_on == "disk"
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return size >= LARGE_SIZE or 3 * size**2 * files > MEMORY_SHARE * memory


def group_names(file_names: list[str], rule: str) -> list[str]:
    """The group of every file, read off its base name.

    Args:
      file_names: paths; a group never spans two class folders.
      rule: `prefix:SEPARATOR`, the part before the first separator
        (`prefix:_` puts 0003_17.png in group 0003), or
        `regex:PATTERN`, its first parenthesis, else its whole match.

    Raises:
      InputError: for another rule, or a file that it does not fit.
    """
    compiled = _group_pattern(rule)
    groups = []
    for name in file_names:
        match = compiled.search(pathlib.PurePath(name).name)
        if match is None:
            raise InputError(
                f"validation group {rule!r} does not fit the file {name}: "
                "rename it or change the rule"
            )
        key = match[1] if compiled.groups else match[0]
        groups.append(f"{pathlib.PurePath(name).parent}/{key}")
    return groups


def _group_pattern(rule: str) -> re.Pattern:
    kind, _, text = rule.partition(":")
    if kind not in ("prefix", "regex") or not text:
        raise InputError(
            f"validation group {rule!r}: expected prefix:SEPARATOR such as "
            "prefix:_ or regex:PATTERN"
        )
    pattern = text if kind == "regex" else f"(.*?){re.escape(text)}"
    try:
        return re.compile(pattern)
    except re.error as error:
        raise InputError(
            f"validation group {rule!r}: no regular expression ({error})"
        ) from error


def _pixels(root: pathlib.Path, names: list[str], size: int):
    return images.read_all([root / name for name in names], size)


def _headers(root: pathlib.Path, names: list[str], size: int):
    special, reasons = images.scan([root / name for name in names])
    return image_files.of(root, names, size=size, special=special), reasons


def _check_any(paths: list, folder: pathlib.Path) -> None:
    if not len(paths):
        raise InputError(
            f"{folder} has class folders without any image file; add images, "
            "or remove the folder"
        )


def _check_emptied(
    labels: np.ndarray,
    good: np.ndarray,
    folder: pathlib.Path,
    class_names: tuple[str, ...],
) -> None:
    before = set(splits.missing(labels, class_names))
    after = splits.missing(labels[good], class_names)
    emptied = [name for name in after if name not in before]
    if emptied:
        raise InputError(
            f"{folder}: every image of {splits.shown(emptied)} is corrupt; "
            "replace the files or drop the class"
        )


def _check_faults(faults: dict[str, str], total: int) -> None:
    if len(faults) > MOST_CORRUPT * total:
        raise InputError(
            f"{len(faults)} of {total} images cannot be read, more than "
            f"{MOST_CORRUPT:.0%}: {_first_faults(faults)}; repair or remove "
            "them"
        )


def _first_faults(faults: dict[str, str]) -> str:
    first = list(faults.items())[: splits.NAMES_SHOWN]
    return ", ".join(f"{name} ({reason})" for name, reason in first)


def _assembled(
    parts: dict[str, splits.Examples],
    class_names: tuple[str, ...],
    faults: dict[str, str],
    request: splits.Request,
) -> splits.Splits:
    counts = splits.count_classes(parts["train"].labels, class_names)
    test = parts.get("test")
    notes = []
    if faults:
        notes.append(
            f"{len(faults)} unreadable images were skipped, such as "
            f"{_first_faults(faults)}."
        )
    if "validation" in parts:
        notes.append(
            "The validation folder is used whole; nothing is cut from train."
        )
    train, validation = _with_validation(parts, request)
    if validation or request.validation_fraction:
        notes += splits.coverage_notes(validation, class_names, "validation")
    if test is not None:
        notes += splits.coverage_notes(test, class_names, "test")
    skipped = tuple(faults)
    return splits.Splits(
        train, validation, test, class_names, counts, tuple(notes), skipped
    )


def _with_validation(
    parts: dict[str, splits.Examples], request: splits.Request
) -> tuple[splits.Examples, splits.Examples | None]:
    train, rule = parts["train"], request.validation_group
    if "validation" in parts:
        return train, parts["validation"]
    return splits.cut(
        train,
        request.validation_fraction,
        seed=request.seed,
        groups=rule and group_names(train.names, rule),
    )
