"""Whether one answer is right more often than another, image by image."""

import numpy as np

# Differences that are none but for rounding.
_EQUAL = 1e-9


def surely_better(
    one: np.ndarray,
    other: np.ndarray,
    weights: np.ndarray,
    *,
    errors: float,
) -> bool:
    """Whether chance among images does not explain that `one` is better.

    mean > errors · √Σ w² (d - mean)², with d = one - other, 1, 0 or -1.

    Args:
      one: whether each image is right, `(images,)`.
      other: the same images, answered otherwise.
      weights: of the images in the mean, sum 1.
      errors: standard errors that the mean must exceed; 1.64 is 95 % sure.
    """
    mean, error = lead(one, other, weights)
    return mean > errors * error + _EQUAL


def lead(
    one: np.ndarray, other: np.ndarray, weights: np.ndarray
) -> tuple[float, float]:
    """How much oftener `one` is right, and the standard error of that.

    mean = Σ w d and √Σ w² (d - mean)², arguments as in `surely_better`, or
    shares of the exits that are right.
    """
    gain = np.asarray(one, float) - np.asarray(other, float)
    mean = weights @ gain
    return float(mean), float(np.linalg.norm(weights * (gain - mean)))
