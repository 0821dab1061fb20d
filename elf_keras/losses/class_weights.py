"""What the class counts decide: loss weights, margins and log priors.

HAR, Sec. III-B: effective-number weights after Cui et al. (Eq. 5), margins
after Cao et al. (Eq. 6). Every function takes the training images per class,
n `(classes,)`, all >= 1, so that a table can call any of them alike, and
returns float32 `(classes,)`; weights sum to C. A class without images is an
error here, never a NaN later.
"""

import numpy as np

from elf_keras.errors import InputError

# Of n_c in LDAM's margins.
MARGIN_POWER = -0.25
_MOST_NAMED = 5


def effective_number(
    class_counts: np.ndarray, *, beta: float = 0.9999
) -> np.ndarray:
    """Weigh a class by the inverse of its effective number of images.

    w_c ∝ (1 - β) / (1 - β^n_c); β = 0 gives equal weights, β towards 1 those
    of inverse frequency.

    Raises:
      InputError: if a class has no image, or β is outside [0, 1).

    Reference: Cui et al., Class-Balanced Loss Based on Effective Number of
      Samples, CVPR 2019, Sec. 3.
    """
    if not 0.0 <= beta < 1.0:
        raise InputError(
            f"beta of the effective number is {beta}; it must be at least 0 "
            "and below 1, for example 0.9999."
        )
    counts = _checked(class_counts)
    if beta == 0.0:
        return uniform(counts)
    # 1 - β^n loses all digits for small n when β is close to 1.
    return _sum_to_classes(-1.0 / np.expm1(counts * np.log(beta)))


def inverse(class_counts: np.ndarray) -> np.ndarray:
    """Weigh a class by its inverse frequency: w_c ∝ 1 / n_c."""
    return _sum_to_classes(1.0 / _checked(class_counts))


def inverse_square_root(class_counts: np.ndarray) -> np.ndarray:
    """Weigh a class half-way to inverse frequency: w_c ∝ n_c^(-1/2)."""
    return _sum_to_classes(_checked(class_counts) ** -0.5)


def uniform(class_counts: np.ndarray) -> np.ndarray:
    """Weigh all classes alike: w_c = 1."""
    return np.ones_like(_checked(class_counts), dtype=np.float32)


CLASS_WEIGHTINGS = {
    "none": uniform,
    "effective_number": effective_number,
    "inverse": inverse,
    "inverse_square_root": inverse_square_root,
}


def ldam_margins(
    class_counts: np.ndarray,
    *,
    power: float = MARGIN_POWER,
    largest: float = 0.5,
) -> np.ndarray:
    """Give rare classes a larger margin: Δ_c ∝ n_c^power, maximum `largest`.

    ELF and HAR print Δ_c = C / n_c (power -1). The bound that LDAM derives,
    and its authors' code, have the power -1/4, and the results that both
    papers compare with were made so; with -1 the head class of CIFAR-10 LT
    at imbalance 100 would keep a margin of 0.005 instead of 0.158.

    Args:
      largest: the largest margin, in units of the cosine, > 0.

    Raises:
      InputError: if a class has no image, or `largest` is not positive.

    Reference: Cao et al., Learning Imbalanced Datasets with
      Label-Distribution-Aware Margin Loss, NeurIPS 2019, Sec. 3.2.
    """
    if not largest > 0.0:
        raise InputError(
            f"The largest margin is {largest}; it must be positive, for "
            "example 0.5. Use cross-entropy to train without margins."
        )
    counts = _checked(class_counts)
    # Relative to the mean, so that large powers neither over- nor underflow.
    shape = (counts / counts.mean()) ** power
    return (largest * shape / shape.max()).astype(np.float32)


def log_priors(class_counts: np.ndarray) -> np.ndarray:
    """Logarithm of each class's share: log π_c = log(n_c / Σ n)."""
    counts = _checked(class_counts)
    return np.log(counts / counts.sum()).astype(np.float32)


def _checked(class_counts):
    try:
        counts = np.asarray(class_counts, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise InputError(
            f"Class counts are a {type(class_counts).__name__}; expected one "
            "number of training images per class, (classes,), such as "
            "np.bincount(labels)."
        ) from error
    if counts.ndim != 1 or not counts.size or not np.isfinite(counts).all():
        raise InputError(
            f"Class counts have shape {counts.shape}; expected one finite "
            "number of training images per class, (classes,)."
        )
    empty = np.flatnonzero(counts < 1)
    if empty.size:
        named = ", ".join(map(str, empty[:_MOST_NAMED]))
        more = ", ..." if empty.size > _MOST_NAMED else ""
        raise InputError(
            f"{empty.size} of {counts.size} classes have no training image "
            f"(index {named}{more}); every class needs at least one: add "
            "images, or leave these classes out of the data."
        )
    return counts


def _sum_to_classes(weights):
    return (weights * (weights.size / weights.sum())).astype(np.float32)
