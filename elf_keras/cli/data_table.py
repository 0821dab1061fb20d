"""What a training has for data, as a table for a terminal."""

import unicodedata

_ROW = "{} {:8}" + " {:>11}" * 3
_WIDTH = 33
# Of many classes, the largest and the smallest few are shown.
_ENDS = 5
_SPLITS = ("train", "validation", "test")


def of(record: dict) -> str:
    """Return the table of `recorded.facts`: classes, shot groups, splits."""
    images, counts = record["images"], record["class_counts"]
    per_split = ", ".join(f"{n} {name}" for name, n in images.items())
    lines = [
        f"{len(counts)} classes, {sum(images.values())} images: {per_split}",
        *_groups(record),
        "",
        _ROW.format(_fitted("class"), "group", *_SPLITS),
    ]
    order = sorted(range(len(counts)), key=lambda label: -counts[label])
    between = len(order) - 2 * _ENDS
    if between < 2:
        return "\n".join([*lines, *_rows(order, record)])
    largest, smallest = order[:_ENDS], order[-_ENDS:]
    most, least = counts[order[_ENDS]], counts[order[-_ENDS - 1]]
    told = f"… {between} classes between, of {most} to {least} training images"
    return "\n".join(
        [*lines, *_rows(largest, record), told, *_rows(smallest, record)]
    )


def _groups(record):
    count_of = dict(
        zip(record["class_names"], record["class_counts"], strict=True)
    )
    for group, names in record["shot_groups"].items():
        images = sum(int(count_of[name]) for name in names)
        yield f"{group:6} {len(names):>6} classes {images:>9} images"


def _rows(labels, record):
    group_of = {
        name: group
        for group, names in record["shot_groups"].items()
        for name in names
    }
    for label in labels:
        name = record["class_names"][label]
        by_split = record["class_counts_by_split"]
        images = [by_split[s][label] if s in by_split else "–" for s in _SPLITS]
        yield _ROW.format(_fitted(name), group_of[name], *images)


def _fitted(name):
    """A name cut or filled to its column; some letters take two places."""
    found, width = "", 0
    for letter in name:
        taken = _places(letter)
        if width + taken > _WIDTH - 1 and len(found) < len(name) - 1:
            return found + "…" + " " * (_WIDTH - width - 1)
        found, width = found + letter, width + taken
    return found + " " * (_WIDTH - width)


def _places(letter):
    if unicodedata.combining(letter):
        return 0
    return 2 if unicodedata.east_asian_width(letter) in "WF" else 1
