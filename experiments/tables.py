"""The README's results table, from experiments/results/*.json.

python -m experiments.tables            writes it into README.md
python -m experiments.tables --check    fails where README.md is out of date

Runs that differ by seed only are one row: mean ± half the range over seeds.
s was chosen for each run on its own validation split (see `chosen`); every
score is on the test split, which no choice has seen.
"""

import argparse
import collections
import pathlib
import sys

import numpy as np

from elf_keras import runs

CHECKOUT = pathlib.Path(__file__).resolve().parent.parent
RESULTS = CHECKOUT / "experiments" / "results"
START, END = "<!-- results: start -->", "<!-- results: end -->"
# The dynamic point shown: the cheapest s that loses at most this much
# accuracy on validation against all exits' best, the static model.
TOLERANCE = 0.01
COLUMNS = (
    *("run", "seeds", "static, last", "static, best epoch"),
    *("many / medium / few", "dynamic", "saving", "without heads"),
    "loss by exit taken",
)


def load() -> list[dict]:
    """Return the recorded results, by name."""
    return [runs.read_json(path) for path in sorted(RESULTS.glob("*.json"))]


def chosen(result: dict) -> dict | None:
    """Return the dynamic point on test at the s that validation chooses.

    The cheapest s whose validation accuracy is within `TOLERANCE` of the
    static model's, last epoch; None without early exits or validation.

    Args:
      result: one record of experiments/results.
    """
    metrics = result["metrics"]
    if "validation" not in metrics or len(result["run"]["model"]["exits"]) < 2:
        return None
    validation, test = (
        metrics[split]["last"]["curve"] for split in ("validation", "test")
    )
    enough = metrics["validation"]["last"]["static"]["accuracy"] - TOLERANCE
    index = np.flatnonzero(np.array(validation["accuracy"]) >= enough)
    if not index.size:
        return None
    best = min(index, key=lambda point: validation["macs"][point])
    threshold = validation["exit_threshold"][best]
    at = max(
        int(np.searchsorted(test["exit_threshold"], threshold, "right")) - 1, 0
    )
    exits = result["run"]["model"]["exits"]
    backbone = exits[-1]["macs_without_heads"]
    bare = np.dot(
        test["exit_shares"][at], [row["macs_without_heads"] for row in exits]
    )
    return {
        "exit_threshold": threshold,
        "accuracy": test["accuracy"][at],
        "saving_with_heads": 1 - test["macs"][at] / backbone,
        "saving_without_heads": 1 - float(bare) / backbone,
    }


def table(results: list[dict]) -> str:
    """Return the table as Markdown."""
    groups = collections.defaultdict(list)
    for result in results:
        groups[result["name"].rsplit("_seed", 1)[0]].append(result)
    lines = [_row(COLUMNS), _row(["---"] * len(COLUMNS))]
    lines += [_row(_cells(name, group)) for name, group in groups.items()]
    return "\n".join(lines)


def main() -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true")
    options = parser.parse_args()
    readme = CHECKOUT / "README.md"
    text = readme.read_text(encoding="utf-8")
    before, rest = text.split(START)
    after = rest.split(END)[1]
    fresh = f"{before}{START}\n{table(load())}\n{END}{after}"
    if options.check and fresh != text:
        sys.exit("README.md is out of date: run python -m experiments.tables")
    runs.write_text(readme, fresh)


def _cells(name, group):
    last = [result["metrics"]["test"]["last"] for result in group]
    best = [result["metrics"]["test"].get("best") for result in group]
    points = [point for result in group if (point := chosen(result))]
    losses = group[0]["metrics"]["train"]["last"]["loss_by_exit"]["loss"]
    return [
        name,
        ", ".join(result["name"].rsplit("_seed", 1)[1] for result in group),
        _spread([part["static"]["accuracy"] for part in last]),
        _spread([part["static"]["accuracy"] for part in best if part]),
        " / ".join(
            _spread([part["static"][shots] for part in last])
            for shots in ("many", "medium", "few")
        ),
        _spread([point["accuracy"] for point in points]),
        _spread([point["saving_with_heads"] for point in points]),
        _spread([point["saving_without_heads"] for point in points]),
        ", ".join("–" if loss is None else f"{loss:.2f}" for loss in losses),
    ]


def _spread(values):
    values = [100 * value for value in values if value is not None]
    if not values:
        return "–"
    mean = f"{np.mean(values):.1f}"
    if len(values) == 1:
        return mean
    return f"{mean} ± {(max(values) - min(values)) / 2:.1f}"


def _row(cells):
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    main()
