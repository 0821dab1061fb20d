"""What a budget's policy loses because few validation images chose it.

python -m experiments.budgets            writes it into FINDINGS.md
python -m experiments.budgets --check    fails where that is out of date

`macs_75` and `macs_50` are the most accurate thresholds on validation within
the budget. Beside them stands the dearest threshold within the same budget,
likewise read off validation, with its score on test: both read between the
recorded points of a curve.
"""

import pathlib

import numpy as np

from experiments import tables

FINDINGS = pathlib.Path(__file__).parent / "FINDINGS.md"
MARK = "budgets"
BUDGETS = {"macs_75": 0.75, "macs_50": 0.5}
COLUMNS = ["run", "all exits"]
for _name in BUDGETS:
    COLUMNS += [f"`{_name}` (spent)", "dearest within it"]


def table(results: list[dict]) -> str:
    """Return the table as Markdown; scores of the best epoch on test."""
    lines = [tables.row(COLUMNS), tables.row(["---"] * len(COLUMNS))]
    for result in results:
        if tables.chosen(result, "macs_75"):
            lines.append(tables.row(_cells(result)))
    return "\n".join(lines)


def dearest(result: dict, budget: float) -> float | None:
    """Test accuracy at the largest s within a budget on validation.

    Args:
      result: one record of experiments/results.
      budget: a share of the backbone's multiply-adds, heads counted.

    Returns:
      A share of right answers; None where exit 1 alone costs more.
    """
    metrics = result["metrics"]
    backbone = metrics["test"]["best"]["static"]["macs"]
    curve = metrics["validation"]["best"]["curve"]
    costs = np.array(curve["macs"]) / backbone
    if costs[0] > budget:
        return None
    s = np.interp(budget, costs, curve["exit_threshold"])
    test = metrics["test"]["best"]["curve"]
    return float(np.interp(s, test["exit_threshold"], test["accuracy"]))


def _cells(result):
    cells = [result["name"]]
    cells.append(
        tables.spread([tables.chosen(result, "all_exits")["accuracy"]])
    )
    for name, budget in BUDGETS.items():
        policy = tables.chosen(result, name)
        if policy is None:
            cells += ["–", "–"]
            continue
        spent = 1 - policy["saving"]
        cells += [
            f"{tables.spread([policy['accuracy']])} ({100 * spent:.0f} %)",
            tables.spread([dearest(result, budget)]),
        ]
    return cells


if __name__ == "__main__":
    tables.publish(FINDINGS, MARK, table, "experiments.budgets")
