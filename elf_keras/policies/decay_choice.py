"""How much earlier exits count in running sums: chosen on validation.

Early exits that learned few images by heart are sure of themselves and wrong
about others; in a sum with one decay for all data they outvote the last exit.
A decay d has the loss of the last exit's sum R_K,

  min over T of Σ w (-log softmax(R_K / T)_y) / Σ w,

which tells decays apart on few images, where accuracies are mostly equal. The
smallest d is taken whose loss is within one standard error of the best, of
their paired difference (Breiman et al. 1984, Sec. 3.4.3): by a few images of
the rarest classes a large one looks best, too.
"""

import dataclasses
from collections.abc import Iterable

import numpy as np

from elf_keras.evaluation import calibration, paired
from elf_keras.exits.answer_rule import AnswerRule

# The last exit alone, up to sums in which an exit counts half of the next.
DECAYS = (0.0, 0.1, 0.25, 0.5)


@dataclasses.dataclass(frozen=True)
class _LastSums:
    """Answers by the last exit's sum, a decay in the place of each exit."""

    rule: AnswerRule

    @property
    def scale(self):
        return self.rule.scale

    def answered(self, logits):
        found = [rule.answered(logits)[:, -1] for rule in self.rules]
        return np.stack(found, axis=1)

    @property
    def rules(self):
        return [
            dataclasses.replace(self.rule, answer_decay=decay)
            for decay in DECAYS
        ]


def choose(
    parts: Iterable[np.ndarray],
    labels: np.ndarray,
    weights: np.ndarray,
    rule: AnswerRule,
) -> tuple[AnswerRule, dict]:
    """Return a rule with its decay chosen, and what a file holds of that.

    Args:
      parts: logits of the split that chooses, in order, each part `(images of
        the part, exits, classes)`.
      labels: of all its images, `(images,)`.
      weights: of them, `(images,)`, which make a mean one over classes.
      rule: that answers by running sums.
    """
    sums = _LastSums(rule)
    fit = calibration.TemperatureFit(labels, weights, sums)
    for _ in fit.watch(parts):
        pass
    each, weights = fit.losses()
    losses = weights @ each
    least = each[:, losses.argmin()]
    behind = [paired.lead(column, least, weights) for column in each.T]
    near = [mean <= error for mean, error in behind]
    chosen = sums.rules[near.index(True)]
    told = ", ".join(
        f"{loss:.3f} by {decay:g}"
        for decay, loss in zip(DECAYS, losses, strict=True)
    )
    return chosen, {
        "split": "validation",
        "images": len(labels),
        "decays": list(DECAYS),
        "losses": losses,
        "errors": [error for _, error in behind],
        "said": f"running sums with a decay of {chosen.answer_decay:g}, the "
        "smallest within one standard error of the best: on validation the "
        f"last one's loss is {told}",
    }
