"""Second stages that train nothing: a trained classifier's weights, rescaled.

Each rule changes scores linearly, class by class, and so becomes the
classifier's own weights: z'_c = m_c (z_c - b_c) + b'_c, which is w'_c = m_c w_c
and b'_c. Every exit's classifier is changed by one τ, chosen (where it is) by
the last exit's accuracy.
"""

from collections.abc import Callable

import keras
import numpy as np

from elf_keras.data import splits
from elf_keras.evaluation import prediction
from elf_keras.losses import class_weights
from elf_keras.training.second_stage import classifiers

# As in the code of Kang et al.: 0 to 2 in steps of 0.1.
TAUS = tuple(round(0.1 * step, 1) for step in range(21))
_SMALLEST_NORM = 1e-12


def tau_norm(
    kernel: np.ndarray, bias: np.ndarray, log_priors: np.ndarray, tau: float
) -> tuple[np.ndarray, np.ndarray]:
    """τ-normalization: w_c / |w_c|^τ, without bias.

    Args:
      kernel: class vectors w, `(features, classes)`.
      bias: b, `(classes,)`, dropped for every τ, as in the authors' code.
      log_priors: not used.
      tau: τ ≥ 0; 0 keeps the weights.

    Returns:
      Multipliers m = |w|^(-τ) and new bias 0, each `(classes,)`.

    Reference: Kang et al. 2020, section 4, Eq. 3.
    """
    norms = np.linalg.norm(kernel, axis=0)
    return np.maximum(norms, _SMALLEST_NORM) ** -tau, np.zeros_like(bias)


def logit_adjustment(
    kernel: np.ndarray, bias: np.ndarray, log_priors: np.ndarray, tau: float
) -> tuple[np.ndarray, np.ndarray]:
    """Logit adjustment after training: z_c - τ log π_c.

    Args:
      kernel: class vectors, not used.
      bias: b, `(classes,)`.
      log_priors: log π of the training images, `(classes,)`.
      tau: τ ≥ 0; 1 is right where softmax(z) is calibrated.

    Returns:
      Multipliers 1 and new bias b - τ log π, each `(classes,)`.

    Reference: Menon et al. 2021, Long-Tail Learning via Logit Adjustment,
    Eq. 9.
    """
    return np.ones_like(bias), bias - tau * log_priors


RULES = {"tau_norm": tau_norm, "logit_adjustment": logit_adjustment}


def change(
    model: keras.Model, rule: Callable, counts: np.ndarray, tau: float
) -> None:
    """Change the classifiers of all exits in place.

    Args:
      model: a multi-exit model with plain classifiers.
      rule: of `RULES`.
      counts: training images per class, `(classes,)`, all ≥ 1.
      tau: τ ≥ 0.
    """
    log_priors = class_weights.log_priors(counts)
    for classifier in classifiers(model):
        kernel, bias = classifier.get_weights()
        multipliers, new_bias = rule(kernel, bias, log_priors, tau)
        classifier.set_weights([kernel * multipliers, new_bias])


def accuracies(
    model: keras.Model,
    rule: Callable,
    counts: np.ndarray,
    examples: splits.Examples,
    weights: np.ndarray,
) -> np.ndarray:
    """Accuracy of the last exit under every τ of `TAUS`, from one pass.

    Args:
      model: before the change.
      rule: of `RULES`.
      counts: training images per class, `(classes,)`, all ≥ 1.
      examples: of the validation split.
      weights: of the images in the mean, `(images,)`, sum 1.

    Returns:
      `(len(TAUS),)`.
    """
    log_priors = class_weights.log_priors(counts)
    kernel, bias = classifiers(model)[-1].get_weights()
    changes = [rule(kernel, bias, log_priors, tau) for tau in TAUS]
    predicted = []
    for scores in prediction.logit_parts(model, examples):
        bare = scores[:, -1] - bias
        predicted.append(
            [(bare * scale + new).argmax(-1) for scale, new in changes]
        )
    return (np.concatenate(predicted, axis=1) == examples.labels) @ weights
