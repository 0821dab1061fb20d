"""Temperatures that turn each exit's scores into honest probabilities.

Guo et al. 2017, Sec. 4: p = softmax(z / T) with the T that minimizes the
negative log-likelihood on validation. Which exit an image takes does not
change: the exit rule looks at T = 1.
"""

import numpy as np
from scipy import optimize, special

# In units of the temperature that the loss itself applied. A split without a
# single error asks for T = 0: there is nothing to fit, T is left as trained.
BOUNDS = (0.2, 20.0)
_AT_BOUND = 0.01


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
    scaled = scale * scores.astype(np.float64)
    fitted = [
        _log_temperature(scaled[:, number], labels, weights)
        for number in range(scores.shape[1])
    ]
    return np.exp(fitted) / scale


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


def _log_temperature(scores, labels, weights):
    if (scores.argmax(-1) == labels).all():
        return 0.0
    best = optimize.minimize_scalar(
        negative_log_likelihood,
        bounds=np.log(BOUNDS),
        args=(scores, labels, weights),
        method="bounded",
    ).x
    at_bound = np.abs(best - np.log(BOUNDS)).min() < _AT_BOUND
    return 0.0 if at_bound else best
