"""Temperatures that turn each exit's logits into honest probabilities.

Guo et al. 2017, Sec. 4: p = softmax(z / T) with the T that minimizes the
negative log-likelihood on validation. Which exit an image takes does not
change: the exit rule looks at T = 1.

With v = 1/T the likelihood is convex in v, so its values and slopes at a few
temperatures, which add up over parts of a split, tell its minimum: logits of
a whole split need not be held.
"""

from collections.abc import Iterable, Iterator

import numpy as np
from scipy import interpolate

# In units of the temperature that the loss itself applied. A split without a
# single error asks for T = 0: there is nothing to fit, T is left as trained.
BOUNDS = (0.2, 20.0)
# Between neighbours a cubic through values and slopes is off by less than
# 0.2 % of T (tests).
GRID = np.geomspace(*BOUNDS, 25)
# Logits taken at a time: they stay in a processor's cache.
_CACHED = 2**18


class TemperatureFit:
    """Sums over parts of a split from which temperatures follow.

    Args:
      labels: of the split, `(images,)`.
      weights: of its images, `(images,)`, ≥ 0, any one scale.
      scale: σ by which the loss multiplied logits, 1 but for cosines.
    """

    def __init__(
        self, labels: np.ndarray, weights: np.ndarray, scale: float = 1.0
    ):
        self._labels, self._weights, self._scale = labels, weights, scale
        # Errors; Σ w · nll and Σ w · d nll / d log T by temperature; by exit.
        self._errors, self._sums = 0, 0.0

    def watch(self, parts: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
        """Pass logits on, each part once it is taken in.

        Args:
          parts: of the split in order, `(images of the part, exits, classes)`.
        """
        start = 0
        for part in parts:
            step = max(1, _CACHED // part.shape[-1])
            for logits in np.split(part, range(step, len(part), step)):
                self._add(logits, slice(start, start + len(logits)))
                start += len(logits)
            yield part

    def temperatures(self) -> np.ndarray:
        """Return T > 0 of each exit, `(exits,)`.

        1/σ where no T within `BOUNDS` / σ is the best.
        """
        logs = [
            0.0 if not errors else _minimum(values, slopes)
            for errors, values, slopes in zip(
                self._errors, *self._sums, strict=True
            )
        ]
        return np.exp(logs) / self._scale

    def _add(self, logits, rows):
        labels, weights = self._labels[rows], self._weights[rows]
        columns = [logits[:, k] for k in range(logits.shape[1])]
        self._errors += (logits.argmax(-1) != labels[:, None]).sum(0)
        sums = [self._sums_of(each, labels, weights) for each in columns]
        self._sums += np.stack(sums, axis=1)

    def _sums_of(self, logits, labels, weights):
        own, sums = (np.arange(len(logits)), labels), np.zeros((2, len(GRID)))
        shifted = self._scale * logits
        shifted -= shifted.max(-1, keepdims=True)
        powers = np.empty_like(shifted)
        for index, temperature in enumerate(GRID):
            np.divide(shifted, shifted.dtype.type(temperature), out=powers)
            true = powers[own].astype("float64")
            np.exp(powers, out=powers)
            total = powers.sum(-1)
            mean = np.einsum("ij,ij->i", powers, shifted) / total
            sums[0, index] = weights @ (np.log(total) - true)
            sums[1, index] = weights @ (true - mean / temperature)
        return sums


def _minimum(values, slopes):
    """log T where the cubics through values and slopes are lowest."""
    rising = np.flatnonzero(slopes >= 0)
    if not rising.size or rising[0] == 0:
        return 0.0
    cell = slice(rising[0] - 1, rising[0] + 1)
    cubic = interpolate.CubicHermiteSpline(
        np.log(GRID[cell]), values[cell], slopes[cell]
    )
    low, high = np.log(GRID[cell])
    roots = cubic.derivative().roots(extrapolate=False)
    points = np.append(roots[(roots >= low) & (roots <= high)], [low, high])
    return float(points[cubic(points).argmin()])
