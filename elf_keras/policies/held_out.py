"""Whether thresholds of their own gain anything on images that did not choose.

One threshold for each exit is chosen among so many that on the images that
choose it is never worse than one for all. Other images tell: both are chosen on
all parts of a split but one, within the same budgets, and compared on that one,
for each part in turn (cross-validation; Stone 1974).
"""

import dataclasses

import numpy as np

from elf_keras.evaluation import cost_curve, paired, prediction
from elf_keras.evaluation.answers import Answers
from elf_keras.evaluation.scorer import Scorer
from elf_keras.policies import candidates

PARTS, BUDGETS = 5, 20
# Standard errors by which a choice is believed to be better. They are too small
# where classes have an image or two: with digits, 1.8 of them were chance.
SURE = 3.0
_EQUAL = 1e-9


@dataclasses.dataclass(frozen=True)
class Gain:
    """Accuracy gained by thresholds of their own, over one for all exits.

    Attributes:
      points: on average over budgets, in [-1, 1].
      error: its standard error over images.
    """

    points: float
    error: float

    @property
    def sure(self) -> bool:
        """Whether chance among images does not explain it."""
        return self.points > SURE * self.error + _EQUAL


def gain(found: Answers, scorer: Scorer, seed: int) -> Gain:
    """Compare both kinds of thresholds on images that chose neither.

    Args:
      found: the answers on the split that chooses.
      scorer: of the run: weights of images, and costs, which budgets are of.
      seed: of the parts, each with its share of every class.
    """
    costs, weights = scorer.costs.with_heads, scorer.weights(found.labels)
    budgets = np.linspace(costs[0], costs[-1], BUDGETS)
    right = np.zeros((2, len(found.labels)))
    parts = _parts(found.labels, seed)
    for part in range(parts.max() + 1):
        here, others = parts == part, parts != part
        if not others.any():
            break
        both = _both(found, others, costs, weights[others])
        for row, offers in enumerate(both):
            right[row, here] = _right(found, here, offers, (costs, budgets))
    return Gain(*paired.lead(*right, weights))


def _parts(labels, seed):
    """The part of each image, `(images,)`: class by class, in turn."""
    order = np.random.default_rng(seed).permutation(len(labels))
    order = order[np.argsort(labels[order], kind="stable")]
    parts = np.empty(len(labels), int)
    parts[order] = np.arange(len(labels)) % PARTS
    return parts


def _both(found, rows, costs, weights):
    """Candidates with a threshold per exit, and with one for all."""
    own = {"costs": costs, "weights": weights / weights.sum()}
    scores = found.certainty[rows], found.correct[rows]
    shared = candidates.shared(cost_curve.curve(*scores, **own))
    return candidates.per_exit(*scores, **own, start=shared), shared


def _right(found, here, offers, within):
    """Share of budgets at which each image is right, `(images here,)`."""
    costs, budgets = within
    classes, certainty = found.classes[here], found.certainty[here]
    labels, cost = found.labels[here], offers.cost(costs)
    right = []
    for budget in budgets:
        fits = np.flatnonzero(cost <= budget * (1 + _EQUAL))
        best = offers.thresholds(fits[offers.accuracy[fits].argmax()])
        answered = prediction.leave(classes, certainty, best).classes
        right.append(answered == labels)
    return np.mean(right, axis=0)
