"""How much earlier exits count in running sums: chosen on validation.

Early exits that learned few images by heart are sure of themselves and wrong
about others; in a sum with one decay for all data they outvote the last exit.
The decay d with the smallest loss of the last exit's sum R_K is taken,

  min over T of Σ w (-log softmax(R_K / T)_y) / Σ w.

A loss tells decays apart on few images, where accuracies are mostly equal.
"""

import dataclasses
from collections.abc import Iterable

import numpy as np

from elf_keras.evaluation import calibration
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
    """Return a rule with the best decay, and what a file holds of the choice.

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
    losses = fit.losses()
    best = sums.rules[int(losses.argmin())]
    each = ", ".join(
        f"{loss:.3f} by {decay:g}"
        for decay, loss in zip(DECAYS, losses, strict=True)
    )
    return best, {
        "split": "validation",
        "images": len(labels),
        "decays": list(DECAYS),
        "losses": losses,
        "said": f"running sums with a decay of {best.answer_decay:g}: on "
        f"validation the last one's loss is {each}",
    }
