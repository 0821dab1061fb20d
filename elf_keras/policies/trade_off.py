"""Accuracy against cost of one model: curves, policies, and what holds on test.

HAR, Sec. III-C and IV-C; ELF, Figure 5. Everything is chosen on validation;
test scores what was chosen and has no say.
"""

import dataclasses

import numpy as np

from elf_keras.evaluation import cost_curve
from elf_keras.evaluation.answers import Answers
from elf_keras.evaluation.scorer import Scorer
from elf_keras.exits.thresholds import ExitThresholds
from elf_keras.policies import candidates, selection
from elf_keras.policies.ballot import Choice
from elf_keras.policies.policy_rules import PER_EXIT, SHARED, PolicyPlan

# Points of a line in a picture, and budgets at which kinds are compared.
POINTS, COMPARED = 200, 20


@dataclasses.dataclass(frozen=True, eq=False)
class Sweep:
    """One model's answers, curves and choices.

    Attributes:
      splits: name -> answers; `validation` chooses.
      curves: name -> exact curve over one shared s.
      offers: what policies were chosen from.
      choices: name -> policy.
      left_out: a sentence for each rule that cannot be met.
      scorer: of the run, timed.
    """

    splits: dict[str, Answers]
    curves: dict[str, cost_curve.Curve]
    offers: selection.Offers
    choices: dict[str, Choice]
    left_out: list[str]
    scorer: Scorer

    def point(self, split: str, thresholds: ExitThresholds) -> dict:
        """Scores of exit thresholds on a split."""
        return selection.score(thresholds, self.splits[split], self.scorer)


def sweep(
    splits: dict[str, Answers], scorer: Scorer, plan: PolicyPlan
) -> Sweep:
    """Draw the curves of all splits, and choose policies on `validation`."""
    validation = splits["validation"]
    offers = selection.offered(validation, scorer, plan)
    choices, left_out = selection.choose(validation, scorer, plan, offers)
    curves = {name: scorer.curve(found) for name, found in splits.items()}
    return Sweep(splits, curves, offers, choices, left_out, scorer)


def rows(done: Sweep) -> list[dict]:
    """Every point of the exact curves, as rows of a table."""
    found, costs = [], done.scorer.costs
    for split, curve in done.curves.items():
        columns = {
            "exit_threshold": curve.thresholds,
            "accuracy": curve.accuracy.round(6),
            "macs": curve.cost.round(1),
            "saving": (1 - curve.cost / costs.backbone).round(6),
            "milliseconds": (curve.shares @ costs.milliseconds).round(6),
        }
        for number, shares in enumerate(curve.shares.T, start=1):
            columns[f"share_exit_{number}"] = shares.round(6)
        values = zip(*(c.tolist() for c in columns.values()), strict=True)
        found += [
            {"split": split, **dict(zip(columns, row, strict=True))}
            for row in values
        ]
    return found


def pictured(done: Sweep, grid: dict[str, float]) -> dict:
    """The lines and marks of a picture, by split.

    `grid` has the papers' values of s by how they are written.
    """
    exits = len(done.scorer.costs.with_heads)
    return {
        split: {
            "images": len(found.labels),
            "shared": done.scorer.line(done.curves[split], POINTS),
            "per_exit": _own_line(done, split),
            "static": done.scorer.static(found),
            "papers_grid": {
                text: done.point(split, ExitThresholds.shared(s, exits))
                for text, s in grid.items()
            },
            "policies": {
                name: done.point(split, choice.thresholds)
                for name, choice in done.choices.items()
            },
        }
        for split, found in done.splits.items()
    }


def compared(done: Sweep) -> list[dict]:
    """Shared against per-exit thresholds within the same budgets.

    Both chosen on validation by accuracy alone; `test` scores those choices.
    """
    if PER_EXIT not in done.offers.kinds:
        return []
    costs = done.scorer.costs
    cost = {
        kind: offers.cost(costs.with_heads)
        for kind, offers in done.offers.kinds.items()
    }
    span = cost[SHARED]
    found = []
    for budget in np.linspace(span.min(), span.max(), COMPARED):
        row = {"budget": float(budget / costs.backbone)}
        for kind, offers in done.offers.kinds.items():
            fits = np.flatnonzero(cost[kind] <= budget * (1 + 1e-9))
            best = fits[offers.accuracy[fits].argmax()]
            row[kind] = {
                split: done.point(split, offers.thresholds(best))["accuracy"]
                for split in done.splits
            }
        found.append(row)
    return found


def _own_line(done, split):
    """Per-exit candidates that none beats on validation, on a split."""
    if PER_EXIT not in done.offers.kinds:
        return None
    offers = done.offers.kinds[PER_EXIT]
    cost = offers.cost(done.scorer.costs.with_heads)
    best = candidates.undominated(offers.accuracy, cost)
    thresholds = [offers.thresholds(row) for row in best]
    points = [done.point(split, each) for each in thresholds]
    keys = ("accuracy", "macs", "exit_shares", "milliseconds")
    return {
        "exit_threshold": [each.to_json() for each in thresholds],
        **{key: [at[key] for at in points] for key in keys},
    }
