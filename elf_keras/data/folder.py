"""A folder of images, one sub-folder per class: the user's own data.

Either `data_dir/{train,validation|val,test}/CLASS/*` or `data_dir/CLASS/*`.
In the second form everything is training, and there is no test split.
"""

import pathlib
import re

import numpy as np

from elf_keras.data import images, splits
from elf_keras.errors import InputError

DEFAULT_SIZE = 32
MOST_CORRUPT = 0.01
EXTENSIONS = (
    *(".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp"),
    *(".tif", ".tiff", ".ppm", ".pgm"),
)
SPLIT_FOLDERS = {
    "train": ("train",),
    "validation": ("validation", "val"),
    "test": ("test",),
}


def load(request: splits.Request) -> splits.Splits:
    """Every image of a folder, as RGB at `request.image_size` (32).

    A validation folder is used whole; without one, `validation_fraction` is
    cut from training. Files of other kinds are ignored, corrupt images
    skipped and named. Everything is held in memory.

    Returns:
      Splits with images (examples, image_size, image_size, 3).

    Raises:
      InputError: no such folder or no class in it, classes that differ
        between splits, a class without images, over 1 % corrupt files.
    """
    folders = _split_folders(request.data_dir)
    class_names = _class_names(folders)
    size = request.image_size or DEFAULT_SIZE
    parts, faults, total = {}, {}, 0
    for split, folder in folders.items():
        paths, labels = _image_files(folder, class_names)
        names = [str(path.relative_to(request.data_dir)) for path in paths]
        pixels, reasons = images.read_all(paths, size)
        good = np.array([not reason for reason in reasons], bool)
        _check_emptied(labels, good, folder, class_names)
        everything = splits.Examples(pixels, labels, tuple(names))
        parts[split] = everything.take(np.flatnonzero(good))
        faults |= {n: r for n, r in zip(names, reasons, strict=True) if r}
        total += len(paths)
    _check_faults(faults, total)
    return _assembled(parts, class_names, faults, request)


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


def _split_folders(
    data_dir: pathlib.Path | None,
) -> dict[str, pathlib.Path]:
    if data_dir is None or not data_dir.is_dir():
        raise InputError(
            f"data folder {data_dir}: no such folder; give --data_dir with a "
            "sub-folder per class, or train/ and test/ with one per class"
        )
    found = {}
    for split, names in SPLIT_FOLDERS.items():
        # A folder that holds images itself is a class of that name.
        held = [n for n in names if _subfolders(data_dir / n)]
        if len(held) > 1:
            raise InputError(f"{data_dir} holds {' and '.join(held)}: keep one")
        if held:
            found[split] = data_dir / held[0]
    if found and "train" not in found:
        raise InputError(
            f"{data_dir} holds {', '.join(found)} but no train folder: add "
            "train/ with a sub-folder per class"
        )
    return found or {"train": data_dir}


def _subfolders(folder: pathlib.Path) -> list[str]:
    if not folder.is_dir():
        return []
    return [
        entry.name
        for entry in folder.iterdir()
        if entry.is_dir() and not entry.name.startswith((".", "__"))
    ]


def _class_names(folders: dict[str, pathlib.Path]) -> tuple[str, ...]:
    """Sorted, as numbers where all are numbers; the same in every split."""
    names = _subfolders(folders["train"])
    if not names:
        raise InputError(
            f"{folders['train']} has no class folder: expected a sub-folder "
            "of images per class"
        )
    for split, folder in folders.items():
        odd = sorted(set(names) ^ set(_subfolders(folder)))
        if odd:
            raise InputError(
                f"train and {split} have different classes: "
                f"{splits.shown(odd)} in one only; give both the same folders"
            )
    if all(name.isdecimal() for name in names):
        return tuple(sorted(names, key=lambda name: (int(name), name)))
    return tuple(sorted(names))


def _image_files(
    folder: pathlib.Path, class_names: tuple[str, ...]
) -> tuple[list[pathlib.Path], np.ndarray]:
    paths, labels = [], []
    for label, name in enumerate(class_names):
        members = sorted(
            path
            for path in (folder / name).rglob("*")
            if path.suffix.lower() in EXTENSIONS
            and not any(
                part.startswith(".") for part in path.relative_to(folder).parts
            )
            and path.is_file()
        )
        paths += members
        labels += [label] * len(members)
    return paths, np.array(labels, np.int32)


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
