"""Temperatures that turn each exit's logits into honest probabilities.

Guo et al. 2017, Sec. 4: p = softmax(z / T) with the T that minimizes the
negative log-likelihood on validation, of the logits z that an exit answers
by. Which exit an image takes does not change: the exit rule looks at T = 1.
"""

import dataclasses
from collections.abc import Iterable, Iterator

import numpy as np
from scipy import optimize

from elf_keras.exits.answer_rule import PLAIN, AnswerRule

# In units of the temperature that the loss itself applied. A split without a
# single error asks for T = 0: there is nothing to fit, T is left as trained.
BOUNDS = (0.2, 20.0)
# Bytes of logits that are held; of a larger split every n-th image is.
HELD = 2**27
# Logits taken at a time: they stay in a processor's cache.
_CACHED = 2**18
# A minimum that is nearer to a bound than this, in log T, lies beyond it.
_NEAR = 1e-3


@dataclasses.dataclass(frozen=True, eq=False)
class Temperatures:
    """What validation wants of one model, as records keep it by these names.

    Attributes:
      temperatures: T of what each exit answers by, `(exits,)`.
      static_temperature: T of the last exit's own logits, by which the bare
        backbone answers.
    """

    temperatures: np.ndarray
    static_temperature: float

    @property
    def told(self) -> dict:
        """For a record."""
        return dict(vars(self))


class TemperatureFit:
    """Logits of a split, kept as they pass by, and the temperatures they want.

    Args:
      labels: of the split, `(images,)`.
      weights: of its images, `(images,)`, ≥ 0, any one scale.
      rule: how the model answers.
    """

    def __init__(
        self,
        labels: np.ndarray,
        weights: np.ndarray,
        rule: AnswerRule = PLAIN,
    ):
        self._labels, self._weights, self._rule = labels, weights, rule
        # What exits answer by, with labels and weights, a cache full each.
        self._kept = []

    def watch(self, parts: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
        """Pass on the logits of a split, parts in order, each once kept."""
        start = 0
        for part in parts:
            nth = -(-len(self._labels) * part[:1].nbytes // HELD) or 1
            own = np.arange(-start % nth, len(part), nth)
            logits, rows = part if nth == 1 else part[own], start + own
            step = max(1, _CACHED // part.shape[-1])
            for first in range(0, len(own), step):
                at = slice(first, first + step)
                of_rows = self._labels[rows[at]], self._weights[rows[at]]
                answered = self._rule.answered(logits[at])
                self._kept.append((answered, *of_rows))
            start += len(part)
            yield part

    def temperatures(self) -> np.ndarray:
        """T of each exit, `(exits,)`; 1/σ if none in `BOUNDS` / σ is best."""
        exits = self._kept[0][0].shape[1]
        logs = [self._minimum(number) for number in range(exits)]
        return np.exp(logs) / self._rule.scale

    def losses(self) -> tuple[np.ndarray, np.ndarray]:
        """Loss of each image at each exit's best T in `BOUNDS` / σ.

        Returns negative log-likelihoods, `(images, exits)`, ≥ 0, of the images
        that are held, and the weights of these, `(images,)`, sum 1.
        """
        found = []
        for number in range(self._kept[0][0].shape[1]):
            kept = self._of(number)
            factor = self._rule.scale * np.exp(-self._best(kept).x)
            each = [_likelihoods(factor, z, labels) for z, labels, _ in kept]
            found.append(np.concatenate(each))
        weights = np.concatenate([w for *_, w in self._kept])
        return np.stack(found, axis=1), weights / weights.sum()

    def _of(self, number):
        """What was kept, of one exit."""
        return [(z[:, number], labels, w) for z, labels, w in self._kept]

    def _minimum(self, number):
        """log (σ T) of an exit."""
        kept, (low, high) = self._of(number), np.log(BOUNDS)
        if not any((z.argmax(-1) != labels).any() for z, labels, _ in kept):
            return 0.0
        found = self._best(kept)
        inside = low + _NEAR < found.x < high - _NEAR
        return found.x if inside and np.isfinite(found.fun) else 0.0

    def _best(self, kept):
        """The smallest loss, a sum, over log (σ T)."""
        scale = self._rule.scale
        return optimize.minimize_scalar(
            lambda log: sum(
                w @ _likelihoods(scale * np.exp(-log), z, labels)
                for z, labels, w in kept
            ),
            bounds=np.log(BOUNDS),
            method="bounded",
        )


def _likelihoods(factor, logits, labels):
    """-log softmax(factor · z)_y of each image, float64."""
    scaled = float(factor) * logits
    scaled -= scaled.max(-1, keepdims=True)
    true = scaled[np.arange(len(logits)), labels]
    total = np.exp(scaled, out=scaled).sum(-1)
    return (np.log(total) - true).astype("float64")
