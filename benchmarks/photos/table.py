"""The comparison on own photos, from benchmarks/results/photos.json.

python -m benchmarks.photos.table            writes it into its page
python -m benchmarks.photos.table --check    fails where it is out of date
"""

import pathlib

import numpy as np

from benchmarks.photos import ours, units
from elf_keras import runs
from experiments import tables

RESULTS = ours.CHECKOUT / "benchmarks" / "results" / "photos.json"
MARK = "photos"
COLUMNS = (
    *("images", "method", "seeds", "mean over classes"),
    *("many / medium / few", "top-1", "MACs, %", "int8, ms"),
    "training, minutes",
)


def load(path: pathlib.Path = RESULTS) -> list[dict]:
    """Return the records of all units that were run."""
    return runs.read_json(path)["units"] if path.exists() else []


def table(records: list[dict]) -> str:
    """Return the table as Markdown, a row for each data set and method."""
    rows = []
    for name in dict.fromkeys(unit["set"] for unit in records):
        of_set = [unit for unit in records if unit["set"] == name]
        scored = {row for unit in of_set for row in unit["scores"]}
        rows += [
            _cells(name, row, of_set) for row in units.ROWS if row in scored
        ]
    return tables.markdown(COLUMNS, rows)


def _cells(name, row, of_set):
    scored = [unit for unit in of_set if row in unit["scores"]]
    found = [unit["scores"][row] for unit in scored]
    groups = ("many", "medium", "few")
    minutes = [unit["seconds"] / 60 for unit in scored]
    return [
        name.replace("_", " "),
        row,
        ", ".join(
            str(seed) for seed in sorted(unit["seed"] for unit in scored)
        ),
        tables.spread([each["accuracy"] for each in found]),
        " / ".join(
            tables.spread([each[group] for each in found]) for group in groups
        ),
        tables.spread([each["top1"] for each in found]),
        tables.spread([each["macs"] for each in found]),
        _milliseconds(row, of_set),
        f"{np.mean(minutes):.1f}",
    ]


def _milliseconds(row, of_set):
    exports = [unit["int8"] for unit in of_set if "int8" in unit]
    # Single networks differ in their weights alone: one time for them.
    found = [export.get(row, export["static"]) for export in exports]
    times = [each["milliseconds"] for each in found]
    return f"{np.mean(times):.2f}" if times else "–"


if __name__ == "__main__":
    tables.publish(
        tables.PAGE,
        MARK,
        lambda _: table(load()),
        "benchmarks.photos.table",
    )
