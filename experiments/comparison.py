"""All methods side by side: the runs of 30 epochs with seed 0.

python -m experiments.comparison            writes it into FINDINGS.md
python -m experiments.comparison --check    fails where that is out of date

Every run has the same backbone, images, schedule and evaluation; rows are in
the order of the papers' tables, not of the scores, which one seed cannot rank.
"""

import pathlib

from experiments import tables
from experiments.planned_runs import SECOND_STAGES

FINDINGS = pathlib.Path(__file__).parent / "FINDINGS.md"
MARK = "comparison"
GROUPS = {
    "bare backbone": (
        *("ce", "ce_drw", "ce_drs", "focal", "focal_drw"),
        *("ldam_drw", "ldam_drs", "balanced_softmax", "la", "vs"),
        *("mixup", "mixup_drw", "manifold_mixup", "bbn"),
    ),
    "second stage of `ce`": SECOND_STAGES,
    "three early exits": (
        *("sum_ce_drw", "har_ce_drw", "sum_ldam_drw", "har_ldam_drw_t1.6"),
        *("har_balanced_softmax", "sum_weighted_ce_drw", "summed_ce_drw"),
        *("sum_distilled_ce_drw", "sum_patience_ce_drw"),
    ),
}
COLUMNS = (
    *("model", "method", "static", "many / medium", "mean of exits"),
    *("`accurate` (saving)", "within 75 %", "within 50 %"),
)


def table(results: list[dict]) -> str:
    """Return the table as Markdown; a method without a run says so."""
    by_name = {result["name"]: result for result in results}
    rows = []
    for model, names in GROUPS.items():
        for name in names:
            result = by_name.get(f"{name}_seed0")
            cells = _cells(result) if result else ["not run"]
            cells += [""] * (len(COLUMNS) - 2 - len(cells))
            rows.append([model, f"`{name}`", *cells])
    return tables.markdown(COLUMNS, rows)


def _cells(result):
    scores = result["metrics"]["test"]["last"]
    accurate = tables.chosen(result)
    several, mean = len(scores["exits"]) > 1, "–"
    if several:
        # Runs of the first days were not scored so.
        found = scores.get("mean_of_exits", {}).get("accuracy")
        mean = "not recorded" if found is None else tables.spread([found])
    return [
        tables.spread([scores["static"]["accuracy"]]),
        " / ".join(
            tables.spread([scores["static"][shots]])
            for shots in ("many", "medium")
        ),
        mean,
        f"{tables.spread([accurate['accuracy']])} "
        f"({tables.spread([accurate['saving']])})"
        if accurate
        else "–",
        *(
            tables.spread([tables.within(result, budget) if accurate else None])
            for budget in (0.75, 0.5)
        ),
    ]


if __name__ == "__main__":
    tables.publish(FINDINGS, MARK, table, "experiments.comparison")
