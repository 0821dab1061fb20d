"""Losses of one exit: pure functions, one value per example and exit.

All take logits z, `(..., classes)`, and class indices y, `(...)`, compute in
float32 at least, and return `(...)` without reduction. Scales, margins and
prior adjustments live here only: what the model outputs stays raw, so that
confidence is always softmax(outputs).
"""

from keras import ops

from elf_keras.exits.arrays import at_least_float32

# Below this 1 - p is rounding noise; it keeps the gradient of (1 - p)^gamma
# finite where the power is under 1.
_SMALLEST_MISS = 1e-7


def cross_entropy(logits, labels):
    """Cross-entropy: -log softmax(z)_y."""
    return ops.sparse_categorical_crossentropy(
        labels, at_least_float32(logits), from_logits=True
    )


def focal(logits, labels, *, gamma=0.5, weights=None):
    """Focal loss: -(1 - p_y)^γ log p_y with p = softmax(z).

    A class weight w multiplies it afterwards, as in Lin's Eq. 5. With
    `weights` it is in the exponent, too: -(1 - p_y^w_y)^γ log p_y, as in the
    code of LDAM-DRW, which then takes the mean over all images, not over
    their weights.

    Args:
      gamma: γ ≥ 0; 0 is cross-entropy. The HAR paper uses 0.5.
      weights: w, `(classes,)`, or None.

    Reference: Lin et al. 2017, Focal Loss for Dense Object Detection, Eq. 4;
    Cao et al. 2019, LDAM-DRW, `FocalLoss` in losses.py.
    """
    losses = cross_entropy(logits, labels)
    powers = losses
    if weights is not None:
        powers = losses * ops.cast(ops.take(weights, labels), losses.dtype)
    missing = ops.maximum(-ops.expm1(-powers), _SMALLEST_MISS)
    return missing**gamma * losses


def ldam(logits, labels, *, margins, scale=30.0):
    """Label-distribution-aware margin: cross-entropy of σ(z - Δ_y onehot(y)).

    Args:
      logits: cosines z in [-1, 1]: a cosine classifier's.
      margins: Δ, `(classes,)`; see `class_weights.ldam_margins`.
      scale: σ > 0.

    Reference: Cao et al. 2019, Label-Distribution-Aware Margin Loss, Eq. 13.
    """
    logits = at_least_float32(logits)
    margins = ops.cast(margins, logits.dtype)
    at_label = ops.one_hot(labels, logits.shape[-1], dtype=logits.dtype)
    return cross_entropy(scale * (logits - at_label * margins), labels)


def balanced_softmax(logits, labels, *, log_priors):
    """Cross-entropy of z + log π, π the class shares in training.

    Reference: Ren et al. 2020, Balanced Meta-Softmax, Eq. 4.
    """
    return logit_adjustment(logits, labels, log_priors=log_priors)


def logit_adjustment(logits, labels, *, log_priors, tau=1.0):
    """Cross-entropy of z + τ log π.

    Args:
      tau: τ ≥ 0; 0 is cross-entropy, 1 balanced softmax.

    Reference: Menon et al. 2021, Long-tail learning via logit adjustment,
    Eq. 10.
    """
    logits = at_least_float32(logits)
    log_priors = ops.cast(log_priors, logits.dtype)
    return cross_entropy(logits + tau * log_priors, labels)


def vector_scaling(logits, labels, *, log_priors, tau=1.0, exponent=0.15):
    """VS loss: cross-entropy of (π/max π)^γ z + τ log π.

    Args:
      log_priors: log π, `(classes,)`; π/max π = n_c/n_max.
      tau: τ ≥ 0, additive adjustment.
      exponent: γ ≥ 0, multiplicative adjustment; 0 is logit adjustment.

    Reference: Kini et al. 2021, Label-Imbalanced and Group-Sensitive
    Classification, Eq. 2; γ = 0.15 is their choice for CIFAR-10 at 100x.
    """
    logits = at_least_float32(logits)
    log_priors = ops.cast(log_priors, logits.dtype)
    multipliers = ops.exp(exponent * (log_priors - ops.max(log_priors)))
    return logit_adjustment(
        multipliers * logits, labels, log_priors=log_priors, tau=tau
    )
