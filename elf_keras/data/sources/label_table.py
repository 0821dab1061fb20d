"""A table of labels: file and class, maybe split and group, a row an image.

Comma, semicolon or tab; columns go by their header, see `COLUMNS`, or are file
and class where there are two without one.
"""

import csv
import dataclasses
import io
import pathlib
from collections.abc import Iterator

from elf_keras.data.sources import class_folders, split_folders, text_files
from elf_keras.errors import InputError

# What a column may be named; of several the first is taken.
COLUMNS = {
    "path": (
        *("path", "file", "filename", "file_name", "filepath", "file_path"),
        *("image", "image_path", "image_name", "image_id", "img", "name", "id"),
    ),
    "label": (
        *("class_name", "class", "label_name", "label", "category", "target"),
        *("class_id", "label_id"),
    ),
    "split": ("split", "subset", "partition", "set"),
    "group": ("group", "group_id"),
}
_DELIMITERS = ",;\t"


@dataclasses.dataclass(frozen=True)
class Row:
    """What a table says of an image."""

    where: str  # table and line
    path: str
    label: str
    split: str = "train"
    group: str | None = None


@dataclasses.dataclass(frozen=True)
class Table:
    """The rows of a file, and whether a header came before them."""

    path: pathlib.Path
    rows: tuple[Row, ...]
    header: bool

    @property
    def grouped(self) -> bool:
        """Whether it has a column of groups."""
        return self.rows[0].group is not None


def read(path: pathlib.Path) -> Table:
    """A table in any encoding of `text_files.read_text`.

    Raises:
      InputError: with file and line, for a row that does not fit.
    """
    lines = list(_lines(_text(path), path))
    if not lines:
        raise InputError(f"{path} is empty: expected rows of path and label")
    columns = _columns(lines[0][1])
    header = bool(columns)
    if not header and len(lines[0][1]) != 2:
        raise InputError(
            f"{path} line 1: {lines[0][1]} is no header; expected columns such "
            "as path,label or path,label,split,group"
        )
    columns = columns or {"path": 0, "label": 1}
    width = len(lines[0][1])
    rows = tuple(
        _row(cells, f"{path.name} line {number}", columns, width)
        for number, cells in lines[header:]
    )
    if not rows:
        raise InputError(f"{path} lists no image below its header")
    return Table(path, rows, header)


def _text(path: pathlib.Path) -> str:
    try:
        return text_files.read_text(path)
    except OSError as error:
        raise InputError(
            f"--labels={path} cannot be read ({error.strerror}): name a table "
            "with the columns path and label"
        ) from error


def _lines(text: str, path: pathlib.Path) -> Iterator[tuple[int, list[str]]]:
    """(number, cells) of each line that is not blank."""
    first = next((line for line in text.split("\n") if line.strip()), "")
    delimiter = max(_DELIMITERS, key=lambda each: _fits(first, each))
    reader = csv.reader(
        io.StringIO(text),
        delimiter=delimiter,
        strict=True,
        # As many write it: a.png, "cat".
        skipinitialspace=True,
    )
    try:
        for cells in reader:
            if any(cell.strip() for cell in cells):
                yield reader.line_num, [cell.strip() for cell in cells]
    except csv.Error as error:
        raise InputError(
            f"{path} line {reader.line_num}: {error}; is a quotation mark not "
            "closed?"
        ) from error


def _fits(line, delimiter):
    """How well a delimiter suits a first line."""
    cells = line.split(delimiter)
    return bool(_columns([cell.strip(' "') for cell in cells])), len(cells) == 2


def _columns(cells: list[str]) -> dict[str, int]:
    """Column -> its place; empty where these cells are no header."""
    names = [cell.casefold().replace(" ", "_") for cell in cells]
    found = {}
    for column, known in COLUMNS.items():
        places = [names.index(name) for name in known if name in names]
        if places:
            found[column] = places[0]
    return found if {"path", "label"} <= found.keys() else {}


def _row(cells, where, columns, width) -> Row:
    if len(cells) < width or any(cells[width:]):
        raise InputError(
            f"{where}: {len(cells)} columns where {width} were expected; put "
            "names that hold the delimiter in quotation marks"
        )
    found = {column: cells[place] for column, place in columns.items()}
    for column in ("path", "label"):
        if not found[column]:
            raise InputError(f"{where}: its {column} is blank; fill it in")
    found["label"] = class_folders.class_name(found["label"])
    if "split" in found:
        found["split"] = _split(found["split"], where)
    return Row(where, **found)


def _split(name, where) -> str:
    split = split_folders.split_of(name)
    if split is None:
        raise InputError(
            f"{where}: split {name!r} is unknown; expected train, validation "
            "or test"
        )
    return split
