"""How much accuracy a shot group may lose, and how sure that is.

A rare class has few validation images: an exit threshold that happens to keep
them right may cost many points elsewhere. So each group's loss against all
exits, where nobody leaves early, has an upper bound, by the Bayesian bootstrap
(Rubin 1981) over images, class by class: the images of a class get random
weights that sum to 1. Each class gets one image more that nobody has seen,
lost or gained with even odds if it leaves early: without it a class of one
image would be certain. It leaves as often as the images of its class and one
more, which leaves as often as the group's do: rare classes may leave more than
others.

A policy is picked after looking at hundreds of candidates, so the luckiest
would pass a bound meant for one. Bounds therefore hold for all candidates and
groups at once: mean + c · deviation, with c the quantile of the largest
standardized excess of a resample (a studentized maximum).

What no image of a group shows, no bootstrap can see: where none of its images
leaves early, or very few, the bound is too low. Where rare images leave early
with a chance of one in five, and are then always wrong, three of them say in
half of the cases (0.8^3) that nothing is lost.
"""

import dataclasses

import numpy as np

from elf_keras.evaluation.answers import Answers
from elf_keras.exits import exit_rule
from elf_keras.policies.policy_rules import Guard

# Random weights held at a time.
_HELD = 2**24
_SURE = 1e-6


@dataclasses.dataclass(frozen=True, eq=False)
class Losses:
    """Loss of each shot group by candidate, of accuracy against all exits.

    Attributes:
      groups: names.
      mean: as seen, `(groups, candidates)`.
      bound: not exceeded at the guard's confidence by any candidate of any
        group, `(groups, candidates)`.
    """

    groups: tuple[str, ...]
    mean: np.ndarray
    bound: np.ndarray

    def keeps(self, tolerance: float) -> np.ndarray:
        """Which candidates keep every group, boolean `(candidates,)`."""
        return (self.bound <= tolerance).all(axis=0)

    def of(self, candidate: int) -> dict[str, dict[str, float]]:
        """Loss and bound by group."""
        return {
            name: {
                "loss": float(self.mean[row, candidate]),
                "bound": float(self.bound[row, candidate]),
            }
            for row, name in enumerate(self.groups)
        }


def losses(
    answers: Answers,
    limits: np.ndarray,
    shot_groups: dict[str, np.ndarray],
    guard: Guard,
) -> Losses:
    """Bound what threshold vectors cost each shot group.

    Args:
      answers: on the split that chooses.
      limits: s of each early exit, `(candidates, exits - 1)`.
      shot_groups: name -> mask over classes; groups without images drop out.
      guard: says how sure.
    """
    order = np.argsort(answers.labels, kind="stable")
    labels = answers.labels[order]
    change, early = _changes(answers, order, limits)
    groups = {}
    for number, (name, classes) in enumerate(shot_groups.items()):
        rows = np.asarray(classes)[labels]
        if rows.any():
            # Of its own stream, so that no group's bound depends on another's.
            random = np.random.default_rng([guard.seed, number])
            part = labels[rows], change[rows], early[rows]
            groups[name] = _group(*part, guard.resamples, random)
    mean, centre, deviation, excess = map(
        np.array, zip(*groups.values(), strict=True)
    )
    largest = excess.max(axis=0).astype(np.float64)
    # Infinite where nobody leaves early.
    known = np.isfinite(largest).all()
    factor = np.quantile(largest, guard.confidence) if known else 0.0
    # No group loses more than all.
    bound = np.minimum(centre + factor * deviation, 1)
    return Losses(tuple(groups), mean, bound)


def _changes(answers, order, limits):
    """Right answers won (1) or lost (-1), and who leaves; by candidate."""
    correct = answers.correct[order].astype("int8")
    certainty = answers.certainty[order]
    shape = (len(order), len(limits))
    change, early = np.empty(shape, "float32"), np.empty(shape, "bool")
    last, rows = correct.shape[1] - 1, np.arange(len(order))
    # The last exit takes whoever gets there.
    leaves = np.ones(correct.shape, bool)
    for column, limit in enumerate(limits):
        leaves[:, :last] = exit_rule.above(certainty[:, :last], limit)
        taken = leaves.argmax(1)
        change[:, column] = correct[rows, taken] - correct[:, last]
        early[:, column] = taken < last
    return change, early


def _group(labels, change, early, resamples, random):
    """One group's loss as seen; its resamples' mean, deviation, largest excess.

    The first three by candidate, the last by resample, in deviations.
    """
    starts = np.flatnonzero(np.diff(labels, prepend=-1))
    sizes = np.diff(np.append(starts, len(labels)))
    weights = np.repeat(1 / (sizes * len(sizes)), sizes).astype("float32")
    # Of the unseen image of each class, by candidate.
    leaving = np.add.reduceat(early, starts, axis=0, dtype="float32")
    leaving = (leaving + weights @ early) / (sizes[:, None] + 1)
    leaving = (leaving / len(sizes)).astype("float32")
    lost = np.empty((resamples, change.shape[1]), "float32")
    part = max(1, _HELD // len(labels))
    for start in range(0, resamples, part):
        rows = slice(start, min(start + part, resamples))
        count = rows.stop - start
        drawn = random.standard_exponential((count, len(labels)), "float32")
        # The unseen image of each class: half of it lost, half gained.
        unseen = random.standard_gamma(0.5, (2, count, len(sizes)), "float32")
        total = np.add.reduceat(drawn, starts, axis=1) + unseen.sum(0)
        drawn /= np.repeat(total * len(sizes), sizes, axis=1)
        luck = (unseen[0] - unseen[1]) / total
        lost[rows] = luck @ leaving - drawn @ change
    centre, deviation = lost.mean(axis=0), lost.std(axis=0)
    # Where hardly anyone leaves there is nothing to be unsure of.
    unsure = deviation > _SURE
    excess = (lost[:, unsure] - centre[unsure]) / deviation[unsure]
    largest = excess.max(axis=1, initial=-np.inf)
    return -(weights @ change), centre, deviation, largest
