"""From the examples that a source found to splits, and what is said of them."""

import pathlib
import re
from collections.abc import Sequence

from elf_keras.data import splits
from elf_keras.errors import InputError


def assembled(
    parts: dict[str, splits.Examples],
    class_names: tuple[str, ...],
    request: splits.Request,
    *,
    notes: Sequence[str] = (),
    skipped: Sequence[str] = (),
    left_out: Sequence[splits.LeftOut] = (),
) -> splits.Splits:
    """Splits of the parts `train`, maybe `validation` and `test`.

    A part for validation is used whole, else it is cut from training as the
    request says. The notes are said before those on missing classes.

    Raises:
      InputError: for a class without training image, or groups that cannot
        be read off the names.
    """
    train, validation = parts["train"], parts.get("validation")
    counts = splits.count_classes(train.labels, class_names)
    if validation is None:
        rule = request.validation_group
        train, validation = splits.cut(
            train,
            request.validation_fraction,
            seed=request.seed,
            groups=group_names(train.names, rule) if rule else train.groups,
        )
    notes = [*notes, *splits.left_out_notes(left_out)]
    if validation or request.validation_fraction:
        notes += splits.coverage_notes(validation, class_names, "validation")
    test = parts.get("test")
    if test is not None:
        notes += splits.coverage_notes(test, class_names, "test")
    return splits.Splits(
        train,
        validation,
        test,
        class_names,
        counts,
        notes=tuple(notes),
        skipped=tuple(skipped),
        left_out=tuple(left_out),
    )


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
