"""Named budgets and the exit thresholds that meet them best on a split.

A policy is one threshold s an early exit (here one s shared by all), or None
where no image may leave early. HAR, Sec. III-C: one model serves any budget.
"""

import numpy as np

from elf_keras import thresholds

# Shares of the bare backbone's multiply-adds, heads counted.
BUDGETS = {"macs_75": 0.75, "macs_50": 0.5, "macs_25": 0.25}
ALL_EXITS, ACCURATE = "all_exits", "accurate"


def choose(curve: thresholds.Curve, *, backbone: int) -> dict:
    """Pick a policy for every budget that the model can meet.

    `all_exits`: nobody leaves early; `accurate`: the cheapest s that is at
    least as accurate as running all exits; `macs_75` …: the most accurate s
    within that share of the backbone's cost, the cheaper one of equals.

    Args:
      curve: exact, on the split that chooses.
      backbone: cost of the bare backbone, in the curve's unit.

    Returns:
      Name -> s or None.
    """
    last = len(curve.cost) - 1
    chosen = {ALL_EXITS: None}
    enough = curve.accuracy >= curve.accuracy[last]
    chosen[ACCURATE] = _threshold(curve, _cheapest(curve, enough))
    for name, share in BUDGETS.items():
        affordable = curve.cost <= share * backbone
        if affordable.any():
            best = curve.accuracy[affordable].max()
            enough = affordable & (curve.accuracy >= best)
            chosen[name] = _threshold(curve, _cheapest(curve, enough))
    return chosen


def _cheapest(curve, allowed):
    points = np.flatnonzero(allowed)
    return int(points[curve.cost[points].argmin()])


def _threshold(curve, point):
    """The middle of the interval in which a point of the curve holds.

    Its lower end is some image's confidence: on another runtime, a rounding
    would decide about that image.
    """
    if point == len(curve.thresholds) - 1:
        return None
    low, high = curve.thresholds[point : point + 2].astype(np.float64)
    if point == 0:
        # Below every confidence: all leave at exit 1.
        low = 0.0
    middle = float(np.float32((low + high) / 2))
    return min(max(middle, np.finfo(np.float32).tiny), 1 - 2**-24)
