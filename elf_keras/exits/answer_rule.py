"""How a model answers: what of its logits is compared with s, or summed."""

import dataclasses

import numpy as np

from elf_keras.exits import arrays, certainty
from elf_keras.exits.arrays import at_least_float32


@dataclasses.dataclass(frozen=True, eq=False)
class AnswerRule:
    """How a model answers with its exits.

    Attributes:
      scale: σ, by which the loss multiplied logits: 1 but for cosines.
        Probabilities are softmax(σ · logits).
      exit_rule: a key of `certainty.EXIT_RULES`, which s is compared by.
      exit_weights: α, `(exits,)`, of a model that one loss of the summed
        logits trained; all exits answer by that sum then. None for others.
    """

    scale: float = 1.0
    exit_rule: str = certainty.CONFIDENCE
    exit_weights: np.ndarray | None = None

    def certainty(self, logits):
        """Certainty of each exit, from `(..., exits, classes)` logits."""
        return certainty.of(logits, self.exit_rule, scale=self.scale)

    def probabilities(self, logits):
        """Class probabilities of each exit, softmax(σ · logits)."""
        ops = arrays.of(logits)
        scaled = self.scale * at_least_float32(logits)
        powers = ops.exp(scaled - ops.max(scaled, axis=-1, keepdims=True))
        return powers / ops.sum(powers, axis=-1, keepdims=True)


# Logits as they are, confidence, no sum: all but rivals and cosines.
PLAIN = AnswerRule()
