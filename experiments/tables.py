"""The README's results table, from experiments/results/*.json.

python -m experiments.tables            writes it into README.md
python -m experiments.tables --check    fails where README.md is out of date

Runs that differ by seed only are one row: mean ± half the range over seeds.
Policies were chosen for each run on its own validation split by
elf_keras.sweep; every score is on the test split, which no choice has seen.
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
COLUMNS = (
    *("run", "seeds", "static, last", "static, best epoch"),
    *("many / medium / few", "`accurate`", "saving", "without heads"),
    *("`macs_50`", "loss by exit taken"),
)


def load() -> list[dict]:
    """Return the recorded results, by name."""
    return [runs.read_json(path) for path in sorted(RESULTS.glob("*.json"))]


def chosen(result: dict, name: str = "accurate") -> dict | None:
    """Return the test scores of a policy that validation chose.

    Args:
      result: one record of experiments/results.
      name: of a policy of its sweep.

    Returns:
      `accuracy`, `saving`, `saving_without_heads`; None without a sweep.
    """
    policy = (result.get("policy") or {}).get("policies", {}).get(name)
    if policy is None:
        return None
    scores = policy["test"]
    exits = result["run"]["model"]["exits"]
    bare = np.dot(
        scores["exit_shares"], [row["macs_without_heads"] for row in exits]
    )
    backbone = exits[-1]["macs_without_heads"]
    return {**scores, "saving_without_heads": 1 - float(bare) / backbone}


def table(results: list[dict]) -> str:
    """Return the table as Markdown."""
    groups = collections.defaultdict(list)
    for result in results:
        groups[result["name"].rsplit("_seed", 1)[0]].append(result)
    lines = [_row(COLUMNS), _row(["---"] * len(COLUMNS))]
    lines += [_row(_cells(name, group)) for name, group in groups.items()]
    return "\n".join(lines)


def spread(values: list[float | None]) -> str:
    """Mean ± half the range, in percent; a dash where there is none."""
    values = [100 * value for value in values if value is not None]
    if not values:
        return "–"
    mean = f"{np.mean(values):.1f}"
    if len(values) == 1:
        return mean
    return f"{mean} ± {(max(values) - min(values)) / 2:.1f}"


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
    halves = [half for result in group if (half := chosen(result, "macs_50"))]
    losses = group[0]["metrics"]["train"]["last"]["loss_by_exit"]["loss"]
    return [
        name,
        ", ".join(result["name"].rsplit("_seed", 1)[1] for result in group),
        spread([part["static"]["accuracy"] for part in last]),
        spread([part["static"]["accuracy"] for part in best if part]),
        " / ".join(
            spread([part["static"][shots] for part in last])
            for shots in ("many", "medium", "few")
        ),
        spread([point["accuracy"] for point in points]),
        spread([point["saving"] for point in points]),
        spread([point["saving_without_heads"] for point in points]),
        spread([half["accuracy"] for half in halves]),
        ", ".join("–" if loss is None else f"{loss:.2f}" for loss in losses),
    ]


def _row(cells):
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    main()
