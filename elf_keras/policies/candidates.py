"""Threshold vectors to choose a policy from: shared by all exits, or each own.

One shared s has an exact curve (`cost_curve`). With one s per exit, the other
thresholds held, accuracy and cost are step functions of each s_k whose steps
lie at exit k's confidences: a line whose best point within every budget is
known at once. Ascent along such lines, from the best shared s within each of
many budgets, ends where no single threshold can be improved. Every shared
candidate stays a candidate, so on the split that chooses thresholds of their
own are never worse. HAR, Sec. III-C has a threshold s^(k) for each exit.
"""

import dataclasses

import numpy as np

from elf_keras.evaluation import cost_curve
from elf_keras.exits import exit_rule
from elf_keras.exits.thresholds import ExitThresholds

BUDGETS, ROUNDS = 150, 12
# Points of a curve kept beside those that nothing cheaper matches.
_EVEN, _BEST = 100, 400
_GAIN = 1e-9


@dataclasses.dataclass(frozen=True, eq=False)
class Candidates:
    """Threshold vectors and what they give, cheapest first.

    Attributes:
      limits: s of each early exit, infinity where nobody leaves,
        `(candidates, exits - 1)`.
      accuracy: weighted share of right answers, `(candidates,)`.
      shares: weighted share of images by exit, `(candidates, exits)`.
    """

    limits: np.ndarray
    accuracy: np.ndarray
    shares: np.ndarray

    def thresholds(self, candidate: int) -> ExitThresholds:
        """One candidate's thresholds."""
        return ExitThresholds(self.limits[candidate])

    def cost(self, costs: np.ndarray) -> np.ndarray:
        """Expected cost, `(candidates,)`, of costs to each exit `(exits,)`."""
        return self.shares @ np.asarray(costs, np.float64)


def shared(curve: cost_curve.Curve) -> Candidates:
    """One s for all exits: the points of an exact curve that can matter.

    Those that no cheaper one matches in accuracy, some evenly spread by cost,
    and last the one where nobody leaves early.
    """
    last = len(curve.cost) - 1
    best = undominated(curve.accuracy, curve.cost)
    even = np.searchsorted(
        np.maximum.accumulate(curve.cost),
        np.linspace(curve.cost[0], curve.cost[last], _EVEN),
    )
    kept = np.concatenate([_some(best, _BEST), np.minimum(even, last), [last]])
    kept = np.unique(kept)
    # The first point lies below every confidence, the others start at one.
    limits = cost_curve.between(curve.thresholds[1:])
    exits = curve.shares.shape[1]
    return Candidates(
        np.repeat(limits[kept, None], exits - 1, axis=1),
        curve.accuracy[kept],
        curve.shares[kept],
    )


def per_exit(
    confidence: np.ndarray,
    correct: np.ndarray,
    *,
    costs: np.ndarray,
    weights: np.ndarray,
    start: Candidates,
) -> Candidates:
    """One s for each exit; the candidates to start from stay among them.

    Arguments as in `cost_curve.curve`, the weights with sum 1.
    """
    costs = np.asarray(costs, np.float64)
    lines = _Lines(confidence, correct, costs, weights)
    cost = start.cost(costs)
    budgets = np.linspace(cost.min(), cost.max(), BUDGETS)
    within = np.where(cost <= budgets[:, None] + _GAIN, start.accuracy, -1.0)
    chosen = within.argmax(axis=1)
    steps = lines.steps(start.limits[chosen])
    best = start.accuracy[chosen]
    moved = np.ones(BUDGETS, bool)
    for _ in range(ROUNDS):
        before = steps.copy()
        for row in np.unique(before[moved], axis=0):
            for number, line in lines.through(row):
                _improve(steps, best, budgets, (row, number, *line))
        moved = (steps != before).any(axis=1)
        if not moved.any():
            break
    found = lines.candidates(np.unique(steps, axis=0))
    return _sorted(start, found, costs)


def undominated(accuracy: np.ndarray, cost: np.ndarray) -> np.ndarray:
    """Indices of the points that no cheaper one matches, cheapest first."""
    order = np.lexsort((-accuracy, cost))
    top = np.maximum.accumulate(accuracy[order])
    fresh = np.append(True, accuracy[order][1:] > top[:-1] + _GAIN)
    return order[fresh]


class _Lines:
    """Accuracy and cost as one threshold moves and the others stay.

    Step q of an exit is its threshold just below its q-th confidence.
    """

    def __init__(self, confidence, correct, costs, weights):
        early = range(confidence.shape[1] - 1)
        self._weights = weights
        self._gained = np.asfortranarray(weights[:, None] * correct)
        self._spent = np.asfortranarray(weights[:, None] * costs)
        found = [
            np.unique(confidence[:, number], return_inverse=True)
            for number in early
        ]
        self._levels, ranks = zip(*found, strict=True)
        self._ranks = np.asfortranarray(np.stack(ranks, axis=1))

    def steps(self, limits):
        """Steps of thresholds, both `(rows, exits - 1)`."""
        return np.stack(
            [
                np.searchsorted(levels, limits[:, number], side="right")
                for number, levels in enumerate(self._levels)
            ],
            axis=1,
        )

    def through(self, steps):
        """The lines through one step vector: exit, (accuracy, cost)."""
        early = len(steps)
        leaves = self._ranks >= steps
        gained, spent = self._gained[:, early], self._spent[:, early]
        # Back to front: what an image yields that goes on to exit k + 1.
        rest = []
        for number in reversed(range(early)):
            rest.append((gained, spent))
            out = leaves[:, number]
            gained = np.where(out, self._gained[:, number], gained)
            spent = np.where(out, self._spent[:, number], spent)
        totals = gained.sum(), spent.sum()
        here = np.ones(len(leaves), bool)
        for number in range(early):
            after = rest[early - 1 - number]
            own = self._gained[:, number], self._spent[:, number]
            line = []
            for total, leaving, going in zip(totals, own, after, strict=True):
                change = self._above(number, (leaving - going) * here)
                line.append(change + (total - change[steps[number]]))
            yield number, line
            here &= ~leaves[:, number]

    def candidates(self, steps):
        """Scores of step vectors, `(rows, exits - 1)`."""
        accuracy, shares = [], []
        exits, rows = self._gained.shape[1], np.arange(len(self._gained))
        for row in steps:
            leaves = np.pad(self._ranks >= row, ((0, 0), (0, 1)))
            taken = exit_rule.exit_taken(leaves)
            accuracy.append(self._gained[rows, taken].sum())
            shares.append(np.bincount(taken, self._weights, minlength=exits))
        limits = [
            cost_curve.between(levels)[steps[:, number]]
            for number, levels in enumerate(self._levels)
        ]
        return Candidates(
            np.stack(limits, axis=1), np.array(accuracy), np.array(shares)
        )

    def _above(self, number, values):
        """Sum of the values whose rank is q or more, for every step q."""
        size = len(self._levels[number]) + 1
        sums = np.bincount(self._ranks[:, number], values, minlength=size)
        return np.cumsum(sums[::-1])[::-1]


def _improve(steps, best, budgets, line):
    """Move every budget's thresholds to the line's best point within it."""
    row, number, accuracy, cost = line
    top = np.maximum.accumulate(accuracy)
    # Where the running maximum was first reached.
    fresh = np.append(True, accuracy[1:] > top[:-1])
    where = np.maximum.accumulate(np.where(fresh, np.arange(len(top)), 0))
    cost = np.maximum.accumulate(cost)
    fits = np.searchsorted(cost, budgets + _GAIN, side="right") - 1
    better = (fits >= 0) & (top[fits] > best + _GAIN)
    steps[better] = row
    steps[better, number] = where[fits[better]]
    best[better] = top[fits[better]]


def _some(points, count):
    if len(points) <= count:
        return points
    return points[np.linspace(0, len(points) - 1, count).astype(int)]


def _sorted(start, found, costs):
    both = zip(vars(start).values(), vars(found).values(), strict=True)
    joined = Candidates(*map(np.concatenate, both))
    order = np.argsort(joined.cost(costs), kind="stable")
    return Candidates(*(values[order] for values in vars(joined).values()))
