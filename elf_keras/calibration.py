"""Temperatures that turn each exit's scores into honest probabilities.

Guo et al. 2017, Sec. 4: p = softmax(z / T) with the T that minimizes the
negative log-likelihood on validation. Which exit an image takes does not
change: the exit rule looks at T = 1.
"""

import numpy as np
from scipy import optimize, special

# Cosines need T near 1/30; beyond these bounds the split says nothing.
BOUNDS = (1e-3, 1e3)


def temperatures(
    scores: np.ndarray, labels: np.ndarray, *, weights: np.ndarray
) -> np.ndarray:
    """Fit one temperature an exit.

    Args:
      scores: raw scores, `(images, exits, classes)`.
      labels: `(images,)`.
      weights: of the images, `(images,)`, ≥ 0.

    Returns:
      T > 0 of each exit, `(exits,)`.
    """
    fitted = [
        optimize.minimize_scalar(
            negative_log_likelihood,
            bounds=np.log(BOUNDS),
            args=(scores[:, number].astype(np.float64), labels, weights),
            method="bounded",
        ).x
        for number in range(scores.shape[1])
    ]
    return np.exp(fitted)


def negative_log_likelihood(
    log_temperature: float,
    scores: np.ndarray,
    labels: np.ndarray,
    weights: np.ndarray,
) -> float:
    """Weighted mean of -log softmax(z / T)_y.

    Args:
      log_temperature: log T, in which the search is even.
      scores: `(images, classes)`.
      labels: `(images,)`.
      weights: `(images,)`.
    """
    logs = special.log_softmax(scores * np.exp(-log_temperature), axis=-1)
    own = np.take_along_axis(logs, labels[:, None], axis=-1)[:, 0]
    return float(-(weights @ own) / weights.sum())
