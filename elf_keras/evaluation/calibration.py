"""Temperatures that turn each exit's scores into honest probabilities.

Guo et al. 2017, Sec. 4: p = softmax(z / T) with the T that minimizes the
negative log-likelihood on validation. Which exit an image takes does not
change: the exit rule looks at T = 1.

With v = 1/T the likelihood is convex in v, so its values and slopes at a few
temperatures, which add up over parts of a split, tell its minimum: raw scores
of a whole split need not be held.
"""

import numpy as np
from scipy import interpolate

# In units of the temperature that the loss itself applied. A split without a
# single error asks for T = 0: there is nothing to fit, T is left as trained.
BOUNDS = (0.2, 20.0)
# Between neighbours a cubic through values and slopes is off by less than
# 0.2 % of T (tests).
GRID = np.geomspace(*BOUNDS, 25)
# Scores taken at a time: they stay in a processor's cache.
_CACHED = 2**18


class TemperatureFit:
    """Sums over parts of a split from which temperatures follow.

    Args:
      exits: number of exits K.
      scale: σ by which the loss multiplied scores, 1 but for cosines.
    """

    def __init__(self, exits: int, *, scale: float = 1.0):
        self._scale = scale
        self._errors = np.zeros(exits, int)
        self._weight = 0.0
        # Σ w · nll and Σ w · d nll / d log T, by exit and temperature.
        self._sums = np.zeros((2, exits, len(GRID)))

    def add(
        self, scores: np.ndarray, labels: np.ndarray, weights: np.ndarray
    ) -> None:
        """Take in a part of the split.

        Args:
          scores: raw scores, `(images, exits, classes)`.
          labels: `(images,)`.
          weights: of the images, `(images,)`, ≥ 0, any one scale.
        """
        self._weight += float(weights.sum())
        rows = max(1, _CACHED // scores.shape[-1])
        for start in range(0, len(scores), rows):
            part = slice(start, start + rows)
            for number in range(scores.shape[1]):
                self._add(
                    number, scores[part, number], labels[part], weights[part]
                )

    def likelihoods(self) -> np.ndarray:
        """Weighted mean of -log softmax(z / T)_y, `(exits, temperatures)`.

        At the temperatures `GRID` / σ.
        """
        return self._sums[0] / self._weight

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

    def _add(self, number, scores, labels, weights):
        own = np.arange(len(scores)), labels
        self._errors[number] += int((scores.argmax(-1) != labels).sum())
        shifted = self._scale * scores
        shifted -= shifted.max(-1, keepdims=True)
        powers = np.empty_like(shifted)
        for index, temperature in enumerate(GRID):
            np.divide(shifted, shifted.dtype.type(temperature), out=powers)
            true = powers[own].astype("float64")
            np.exp(powers, out=powers)
            total = powers.sum(-1)
            mean = np.einsum("ij,ij->i", powers, shifted) / total
            self._sums[0, number, index] += weights @ (np.log(total) - true)
            self._sums[1, number, index] += weights @ (
                true - mean / temperature
            )


def temperatures(
    scores: np.ndarray,
    labels: np.ndarray,
    *,
    weights: np.ndarray,
    scale: float = 1.0,
) -> np.ndarray:
    """Fit one temperature an exit.

    Args:
      scores: raw scores, `(images, exits, classes)`.
      labels: `(images,)`.
      weights: of the images, `(images,)`, ≥ 0.
      scale: σ by which the loss multiplied scores, 1 but for cosines.

    Returns:
      T > 0 of each exit, `(exits,)`; 1/σ where no T within `BOUNDS` / σ is
      the best.
    """
    fit = TemperatureFit(scores.shape[1], scale=scale)
    fit.add(scores, labels, weights)
    return fit.temperatures()


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
