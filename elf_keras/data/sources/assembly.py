"""From the examples that a source found to splits, and what is said of them."""

import pathlib
import re
from collections.abc import Sequence

import numpy as np

from elf_keras.data import data_request, image_formats, splits
from elf_keras.data.sources import folder_tree, found_again
from elf_keras.errors import InputError


def assembled(
    parts: dict[str, splits.Examples],
    class_names: tuple[str, ...],
    request: data_request.Request,
    *,
    copies: Sequence[Sequence[str]] = (),
    notes: Sequence[str] = (),
    skipped: Sequence[str] = (),
    left_out: Sequence[splits.LeftOut] = (),
) -> splits.Splits:
    """Splits of the parts `train`, maybe `validation` and `test`.

    A part for validation is used whole, else it is cut from training as the
    request says; what a run recorded decides before either. Of the copies,
    names of training images that are one and the same, none is cut from the
    others. The notes are said before those on missing classes.

    Raises:
      InputError: for a class without training image, groups that cannot be
        read off the names, or data that are not those of the run.
    """
    run = request.recorded
    if run is None:
        counts = _counts(parts["train"].labels, class_names, left_out)
    else:
        found = found_again.find(parts, class_names, run)
        parts, class_names = found.parts, found.class_names
        counts = found.class_counts
        notes, left_out = [*notes, *found.notes], [*left_out, *found.left_out]
    if run is None or not run.split_of:
        parts = _cut(parts, request, copies)
    validation, test = parts.get("validation"), parts.get("test")
    notes = [*notes, *splits.left_out_notes(left_out)]
    if validation or request.validation_fraction:
        notes += splits.coverage_notes(validation, class_names, "validation")
    if test is not None:
        notes += splits.coverage_notes(test, class_names, "test")
    return splits.Splits(
        parts["train"],
        validation,
        test,
        class_names,
        counts,
        notes=tuple(notes),
        skipped=tuple(skipped),
        left_out=tuple(left_out),
    )


def _counts(labels, class_names, left_out):
    """As `count_classes`, which cannot tell what was left out, and why."""
    try:
        return splits.count_classes(labels, class_names)
    except InputError as error:
        unread = image_formats.unread(left_out)
        closed = [
            f"{splits.shown(part.names)} {part.reason}"
            for part in left_out
            if part.reason.startswith(folder_tree.UNOPENED)
        ]
        told = "; ".join([str(error), *filter(None, [unread]), *closed])
        raise InputError(told) from error


def _cut(parts, request, copies):
    """With a part for validation, where there is none and it is asked for."""
    if "validation" in parts:
        return parts
    train, rule = parts["train"], request.validation_group
    groups = train.groups
    if callable(rule) and request.validation_fraction:
        groups = groups or rule(train)
    elif rule and not callable(rule):
        groups = group_names(train.names, rule)
    groups = _with_copies(train.names, groups, copies)
    train, validation = splits.cut(
        train, request.validation_fraction, seed=request.seed, groups=groups
    )
    return parts | {"train": train, "validation": validation}


def _with_copies(names, groups, copies):
    """Groups, made one where they have copies of the same image."""
    places = {name: place for place, name in enumerate(names)}
    # Of the names, those that cannot be read are no examples.
    held = [[name for name in each if name in places] for each in copies]
    same = [[places[name] for name in each] for each in held if len(each) > 1]
    if not same:
        return groups
    owner = np.arange(len(names))
    if groups is not None:
        owner = np.unique(groups, return_inverse=True)[1]
    # Each group's parent, itself or one of a smaller number.
    parent = [*range(len(names))]
    for first, *rest in same:
        for other in rest:
            low, high = sorted(
                _root(parent, owner[place]) for place in (first, other)
            )
            parent[high] = low
    return np.array([_root(parent, group) for group in owner])


def _root(parent, group):
    while parent[group] != group:
        group = parent[group]
    return group


def group_names(file_names: Sequence[str], rule: str) -> list[str]:
    """The group of every file, read off its base name.

    A rule is `prefix:SEPARATOR`, the part before the first separator
    (`prefix:_` puts 0003_17.png in group 0003), or `regex:PATTERN`, its first
    parenthesis, else its whole match. No group spans two class folders.

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
