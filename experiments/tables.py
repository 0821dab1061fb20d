"""The table of results, from experiments/results/*.json.

python -m experiments.tables            writes it into docs/reference/results.md
python -m experiments.tables --check    fails where that is out of date

Runs that differ by seed only are one row: mean ± half the range over seeds.
Policies were chosen for each run on its own validation split by
elf_keras.sweep; every score is on the test split, which no choice has seen.
"""

import argparse
import collections
import pathlib
import sys
from collections.abc import Callable, Iterable, Sequence

import numpy as np

from elf_keras import runs

CHECKOUT = pathlib.Path(__file__).resolve().parent.parent
RESULTS = CHECKOUT / "experiments" / "results"
PAGE = CHECKOUT / "docs" / "reference" / "results.md"
MARK = "results"
COLUMNS = (
    *("run", "seeds", "static, last", "static, best epoch"),
    *("many / medium / few", "`accurate`", "saving", "without heads"),
    *("within 75 %", "within 50 %", "loss by exit taken"),
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


def threshold_within(result: dict, budget: float) -> float | None:
    """Largest s within a budget on validation.

    What `elf_keras.sweep` takes, up to ties and deeper exits that surely err.

    Args:
      result: one record of experiments/results.
      budget: a share of the backbone's multiply-adds, heads counted.

    Returns:
      s; None where exit 1 alone costs more.
    """
    metrics = result["metrics"]
    backbone = metrics["test"]["best"]["static"]["macs"]
    scores = metrics["validation"]["best"]
    costs = np.array(scores["curve"]["macs"]) / backbone
    if costs[0] > budget:
        return None
    return _read(budget, costs, "exit_threshold", scores)


def within(result: dict, budget: float) -> float | None:
    """Test accuracy at the largest s within a budget on validation.

    Args:
      result: one record of experiments/results.
      budget: a share of the backbone's multiply-adds, heads counted.

    Returns:
      A share of right answers; None where exit 1 alone costs more.
    """
    s = threshold_within(result, budget)
    if s is None:
        return None
    scores = result["metrics"]["test"]["best"]
    return _read(s, scores["curve"]["exit_threshold"], "accuracy", scores)


def table(results: list[dict]) -> str:
    """Return the table as Markdown."""
    groups = collections.defaultdict(list)
    for result in results:
        groups[result["name"].rsplit("_seed", 1)[0]].append(result)
    rows = [_cells(name, group) for name, group in groups.items()]
    return markdown(COLUMNS, rows)


def spread(values: list[float | None]) -> str:
    """Mean ± half the range, in percent; a dash where there is none."""
    values = [100 * value for value in values if value is not None]
    if not values:
        return "–"
    mean = f"{np.mean(values):.1f}"
    if len(values) == 1:
        return mean
    return f"{mean} ± {(max(values) - min(values)) / 2:.1f}"


def markdown(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table as Markdown."""
    lines = [columns, ["---"] * len(columns), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def filled(text: str, mark: str, content: str) -> str:
    """Put content between a page's `<!-- MARK: start -->` and `end`."""
    start, end = f"<!-- {mark}: start -->", f"<!-- {mark}: end -->"
    before, rest = text.split(start)
    return f"{before}{start}\n{content}\n{end}{rest.split(end)[1]}"


def publish(
    path: pathlib.Path,
    mark: str,
    make: Callable[[list[dict]], str],
    module: str,
) -> None:
    """Be a command that writes what results make into a page, or checks it.

    Args:
      path: a page with the comments `<!-- MARK: start -->` and `end`.
      mark: which of its places.
      make: from the recorded results to the text.
      module: the command, for the message.
    """
    parser = argparse.ArgumentParser(prog=f"python -m {module}")
    parser.add_argument("--check", action="store_true")
    options = parser.parse_args()
    text = path.read_text(encoding="utf-8")
    fresh = filled(text, mark, make(load()))
    if options.check and fresh != text:
        sys.exit(f"{path.name} is out of date: run python -m {module}")
    if not options.check:
        runs.write_text(path, fresh)


def _read(at, points, name, scores):
    """A column of a recorded curve where another one, `points`, is `at`."""
    values = scores["curve"][name]
    if scores.get("dynamic", {}).get("exit_rule") == "patience":
        # It has a few thresholds, all recorded, and nothing between them.
        return float(values[np.searchsorted(points, at, side="right") - 1])
    return float(np.interp(at, points, values))


def _cells(name, group):
    last = [result["metrics"]["test"]["last"] for result in group]
    best = [result["metrics"]["test"].get("best") for result in group]
    points = [point for result in group if (point := chosen(result))]
    swept = [result for result in group if chosen(result)]
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
        spread([within(result, 0.75) for result in swept]),
        spread([within(result, 0.5) for result in swept]),
        ", ".join("–" if loss is None else f"{loss:.2f}" for loss in losses),
    ]


if __name__ == "__main__":
    publish(PAGE, MARK, table, "experiments.tables")
