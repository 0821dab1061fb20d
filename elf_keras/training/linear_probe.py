"""A balanced linear classifier on the features of a network that stays fixed.

What any training that starts from those features has to beat: logistic
regression by scikit-learn, its classes weighted by one over their images, its
penalty chosen on validation.

Reference: Alain and Bengio 2016, *Understanding intermediate layers using
linear classifier probes*.
"""

import dataclasses
import warnings

import numpy as np

# Inverse of the penalty's weight, on features of mean square 1.
STRENGTHS = (0.01, 0.03, 0.1, 0.3, 1.0)
WITHOUT_VALIDATION = 0.1
_ITERATIONS = 200


@dataclasses.dataclass(frozen=True, eq=False)
class Probe:
    """A linear classifier: logits = features @ kernel + bias.

    Attributes:
      kernel: `(features, classes)`, float32.
      bias: `(classes,)`, float32.
      strength: one of `STRENGTHS`.
      accuracy: on validation, a mean over its classes; None without.
    """

    kernel: np.ndarray
    bias: np.ndarray
    strength: float
    accuracy: float | None


def fit(
    features: np.ndarray,
    labels: np.ndarray,
    validation: tuple[np.ndarray, np.ndarray, np.ndarray] | None = None,
) -> Probe:
    """Fit the probe; of equally good penalties, take the stronger.

    Args:
      features: `(images, features)`; every class has an image.
      labels: `(images,)`.
      validation: features, labels, and weights of the images in the mean,
        sum 1.
    """
    # All are 0 where a backbone is dead.
    scale = float(np.sqrt(np.mean(np.square(features, dtype=np.float64)))) or 1
    tried = STRENGTHS if validation else (WITHOUT_VALIDATION,)
    found = None
    for strength, kernel, bias in _fitted(features / scale, labels, tried):
        kernel = kernel / scale
        accuracy = None
        if validation:
            seen, right, weights = validation
            predicted = (seen @ kernel + bias).argmax(-1)
            accuracy = float(weights @ (predicted == right))
        if found is None or accuracy > found.accuracy:
            found = Probe(kernel, bias, strength, accuracy)
    return found


def _fitted(features, labels, strengths):
    """Yield strength, kernel and bias, each fit from the one before it."""
    # Takes a second to import, which other trainings do not need.
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression

    model = LogisticRegression(
        class_weight="balanced", max_iter=_ITERATIONS, warm_start=True
    )
    for strength in strengths:
        with warnings.catch_warnings():
            # Near enough: it is a start, and accuracy chooses the penalty.
            warnings.simplefilter("ignore", ConvergenceWarning)
            model.set_params(C=strength).fit(features, labels)
        kernel, bias = model.coef_.T, model.intercept_
        if kernel.shape[1] == 1:
            # Of two classes it has the logit of the second alone.
            kernel, bias = np.concatenate([-kernel, kernel], 1) / 2, bias / 2
            bias = np.concatenate([-bias, bias])
        yield strength, kernel.astype("float32"), bias.astype("float32")
