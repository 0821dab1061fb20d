"""Runs of full length, 200 epochs: bare backbone, hardness-aware, plain sum.

python -m experiments.full_length            writes it into its pages
python -m experiments.full_length --check    fails where one is out of date

They learn from all training images, as the papers' runs do, so they have
no validation split: the epoch is the last one, and s comes from the shorter
sibling of each that has one. Scores are read off the recorded curve on test.
"""

import pathlib

import numpy as np

from experiments import tables

FINDINGS = pathlib.Path(__file__).parent / "FINDINGS.md"
TUTORIAL = tables.CHECKOUT / "docs" / "tutorials" / "papers_row.md"
MARK = "full_length"
BACKBONE = "full_ldam_drw"
TRAINED = "s = t"
# By method: the run, and its sibling. The plain sum has no t.
PAIRS = {
    "har": ("full_har_ldam_drw", "har_ldam_drw_t1.6"),
    "sum": ("full_sum_ldam_drw", "sum_ldam_drw"),
}
SEEDS = (0, 1)
BUDGETS = (0.75, 0.5)
COLUMNS = (
    *("model", "exit threshold s", "test accuracy", "saving"),
    *("without heads", "share leaving at each exit"),
)


def table(results: list[dict]) -> str:
    """Return the table as Markdown: a row for each run and threshold."""
    by_name = {result["name"]: result for result in results}
    rows = [
        [f"bare backbone, seed {seed}", "–", _static(bare), "–", "–", "–"]
        for seed in SEEDS
        if (bare := by_name.get(f"{BACKBONE}_seed{seed}"))
    ]
    for method, names in PAIRS.items():
        for seed in SEEDS:
            pair = [by_name.get(f"{name}_seed{seed}") for name in names]
            if all(pair):
                rows += _rows(method, seed, *pair)
    return tables.markdown(COLUMNS, rows)


def _static(result):
    static = result["metrics"]["test"]["last"]["static"]
    return tables.spread([static["accuracy"]])


def _rows(method, seed, early, sibling):
    found = thresholds(early, sibling)
    if method == "sum":
        del found[TRAINED]
    return [
        [
            f"`{method}`, seed {seed}",
            f"{name}: {s:.4f}" if np.isfinite(s) else name,
            *_cells(point(early, s)),
        ]
        for name, s in found.items()
    ]


def thresholds(early: dict, sibling: dict) -> dict[str, float]:
    """Return name -> s; none of them was chosen with test scores.

    Args:
      early: the record of the run of full length.
      sibling: that of the run whose validation split chooses.
    """
    chosen = sibling["policy"]["policies"]["accurate"]["thresholds"][0]
    trained = early["metrics"]["test"]["last"]["dynamic"]["exit_threshold"]
    found = {
        "no image leaves": np.inf,
        TRAINED: trained,
        "`accurate` of the sibling": np.inf if chosen is None else chosen,
    }
    for budget in BUDGETS:
        s = tables.threshold_within(sibling, budget)
        if s is not None:
            found[f"{100 * budget:.0f} % in the sibling"] = s
    return found


def point(result: dict, s: float) -> dict:
    """Return what the last epoch scores on test where images leave at s.

    Args:
      result: one record of experiments/results.
      s: exit threshold in (0, 1), or infinity for the last exit's answers.

    Returns:
      `accuracy`, `saving`, `saving_without_heads`, `exit_shares`.
    """
    exits = result["run"]["model"]["exits"]
    scores = result["metrics"]["test"]["last"]
    curve = scores["curve"]
    shares = np.array(curve["exit_shares"])
    if np.isfinite(s):
        accuracy = np.interp(s, curve["exit_threshold"], curve["accuracy"])
        shares = np.array(
            [np.interp(s, curve["exit_threshold"], each) for each in shares.T]
        )
    else:
        accuracy = scores["static"]["accuracy"]
        shares = np.eye(len(exits))[-1]
    backbone = exits[-1]["macs_without_heads"]
    spent, bare = (
        float(shares @ [row[kind] for row in exits]) / backbone
        for kind in ("macs", "macs_without_heads")
    )
    return {
        "accuracy": float(accuracy),
        "saving": 1 - spent,
        "saving_without_heads": 1 - bare,
        "exit_shares": [float(share) for share in shares],
    }


def _cells(found):
    shares = ", ".join(f"{100 * each:.0f} %" for each in found["exit_shares"])
    keys = ("accuracy", "saving", "saving_without_heads")
    return [*(tables.spread([found[key]]) for key in keys), shares]


if __name__ == "__main__":
    for page in (FINDINGS, TUTORIAL):
        tables.publish(page, MARK, table, "experiments.full_length")
