"""Files of a run's folder, as a report reads them: absent is no fault."""

import csv
import pathlib
from collections.abc import Callable, Sequence

from elf_keras import runs
from elf_keras.errors import InputError


def json(path: pathlib.Path, touch: Callable) -> dict | None:
    """A record that holds what `touch` looks at, or None without a file.

    Raises:
      InputError: where the file is damaged.
    """
    if not path.exists():
        return None
    try:
        found = runs.read_json(path)
    except InputError as error:
        raise InputError(
            f"{error}; or delete the file to report on the rest"
        ) from error
    with refusing(path):
        _ = found and touch(found)
    return found


def refusing(path: pathlib.Path, reason: Callable = repr):
    """As `runs.refusing`, of a file that a report can do without."""
    remedy = "restore it, or delete it to report on the rest"
    return runs.refusing(f"{path} is damaged", remedy, reason)


def history(path: pathlib.Path) -> list[dict]:
    """Rows of a run's history.csv, or of its newest sound checkpoint."""
    if (path / "history.csv").exists():
        return table(path / "history.csv")
    records = path.glob("checkpoints/epoch_*.json")
    for record in sorted(records, key=runs.numbers, reverse=True):
        try:
            return runs.read_json(record)["history"]
        except (InputError, KeyError, TypeError):
            continue
    return []


def table(path: pathlib.Path, *, keys: Sequence[str] = ()) -> list[dict]:
    """Rows of a CSV file: numbers, but for the columns `keys`; or none."""
    if not path.exists():
        return []
    with (
        refusing(path, str),
        path.open(encoding="utf-8", newline="") as file,
    ):
        return [
            {key: v if key in keys else float(v) for key, v in row.items()}
            for row in csv.DictReader(file)
        ]
