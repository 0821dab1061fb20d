"""Rivals of the plain sum: what several exits add to the loss together.

Each takes an exit loss, `loss(logits, labels)` with logits `(batch, exits,
classes)`, and returns another of the same form, `(batch, exits)`, for
`CumulativeLoss`: whatever it says about leaving, class weights and replicas
holds for them, too.
"""

from collections.abc import Callable

import numpy as np
from keras import ops

from elf_keras.errors import InputError
from elf_keras.exits import exit_rule
from elf_keras.exits.arrays import at_least_float32


def weighted(exit_loss: Callable, exit_weights: np.ndarray) -> Callable:
    """Weigh the exits: ℓ'_k = α_k ℓ_k, so that L_i = Σ_k α_k ℓ_k.

    Args:
      exit_weights: α, `(exits,)`, > 0; see `check_weights`.

    Reference: HAR, Eq. 1; Teerapittayanon et al. 2016, BranchyNet; Huang et
    al. 2018, Multi-Scale Dense Networks.
    """

    def loss(logits, labels):
        losses = exit_loss(logits, labels)
        return losses * ops.cast(exit_weights, losses.dtype)

    return _like(exit_loss, loss)


def summed(exit_loss: Callable, exit_weights: np.ndarray) -> Callable:
    """One loss of the summed predictions: L_i = ℓ(Σ_k α_k z_k, y).

    It counts as the last exit's, the others add nothing. Nobody may leave:
    use it without a train threshold. Sums of K cosines reach K; α_k = 1/K
    keeps LDAM's margins what they are.

    Reference: HAR, Eq. 2; Kim et al. 2016, Deeply-Recursive Convolutional
    Network.
    """

    def loss(logits, labels):
        total = exit_rule.sum_of_exits(logits, exit_weights)[:, None]
        losses = exit_loss(total, labels[:, -1:])
        return ops.pad(losses, [[0, 0], [logits.shape[1] - 1, 0]])

    return _like(exit_loss, loss)


def distilled(
    exit_loss: Callable,
    *,
    weight: float,
    temperature: float = 1.0,
    scale: float = 1.0,
) -> Callable:
    """Let the last exit teach: ℓ'_k = ℓ_k + λ T² KL(p_K ‖ p_k) for k < K.

    p_k = softmax(σ z_k / T). The teacher p_K is taken as it is: no gradient
    reaches the last exit from here.

    Args:
      weight: λ ≥ 0.
      temperature: T > 0. The reference begins with 1 and raises it while the
        teacher is sure; here it stays.
      scale: σ by which the loss multiplies logits, 1 but for cosines.

    Reference: Phuong and Lampert 2019, Distillation-Based Training for
    Multi-Exit Architectures, Sec. 3.
    """

    def loss(logits, labels):
        logits = at_least_float32(logits)
        shares = ops.log_softmax(scale / temperature * logits)
        teacher = ops.stop_gradient(shares[:, -1:])
        apart = ops.sum(ops.exp(teacher) * (teacher - shares[:, :-1]), axis=-1)
        taught = ops.pad(weight * temperature**2 * apart, [[0, 0], [0, 1]])
        losses = exit_loss(logits, labels)
        return losses + ops.cast(taught, losses.dtype)

    return _like(exit_loss, loss)


def _like(exit_loss, loss):
    """The loss, of cosines where the one that it takes is."""
    loss.cosine = getattr(exit_loss, "cosine", False)
    return loss


def check_weights(values: list[str] | np.ndarray, exits: int) -> np.ndarray:
    """Return the exits' weights α, `(exits,)`, all 1 where none is given.

    Args:
      values: a number > 0 for each exit, or nothing.

    Raises:
      InputError: for another number of them, or one that is not above 0.
    """
    if not len(values):
        return np.ones(exits)
    try:
        found = np.asarray(values, "float64")
    except ValueError:
        found = np.zeros(exits)
    if found.shape != (exits,) or not (np.isfinite(found) & (found > 0)).all():
        raise InputError(
            f"exit weights {','.join(map(str, values))}: expected a number "
            f"above 0 for each exit, with commas between; exits: {exits}"
        )
    return found
