"""What a budget's policy loses because few validation images chose it.

python -m experiments.budgets            writes it into FINDINGS.md
python -m experiments.budgets --check    fails where that is out of date

`macs_75` and `macs_50` of the recorded sweeps are the most accurate thresholds
on validation within the budget, the rule until 2026-11-24. Beside them stands
the most expensive within the same budget on validation, read off the recorded
curves; sweeps since then take that one themselves.
"""

import pathlib

from experiments import tables

FINDINGS = pathlib.Path(__file__).parent / "FINDINGS.md"
MARK = "budgets"
BUDGETS = {"macs_75": 0.75, "macs_50": 0.5}
COLUMNS = ["run", "all exits"]
for _name in BUDGETS:
    COLUMNS += [f"`{_name}` (spent)", "most expensive within it"]


def table(results: list[dict]) -> str:
    """Return the table as Markdown; scores of the best epoch on test."""
    swept = [each for each in results if tables.chosen(each, "macs_75")]
    return tables.markdown(COLUMNS, map(_cells, swept))


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
            tables.spread([tables.within(result, budget)]),
        ]
    return cells


if __name__ == "__main__":
    tables.publish(FINDINGS, MARK, table, "experiments.budgets")
