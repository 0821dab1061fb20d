"""Learning rates as functions of the zero-based epoch, and shorter schedules.

HAR, Sec. IV-A: linear warm-up, then a constant rate with two drops; on CIFAR
0.1, 5 epochs of warm-up, and a hundredth from epochs 160 and 180 of 200 on. A
function of the epoch alone, so that resuming is exact. Within an epoch it is
that of the middle of the step, 12.5 / 40 of it for step 12 of 40.
"""

import math
from collections.abc import Callable, Sequence

from elf_keras import errors

FULL_WARMUP_EPOCHS = 5
WARMUP_DIVISOR = 6


def step_decay_with_warmup(
    learning_rate: float,
    *,
    warmup_epochs: int,
    decay_epochs: Sequence[int],
    decay_factor: float,
) -> Callable[[float], float]:
    """Rise linearly to the learning rate, then multiply it at each drop.

    η(e) = η · min(1, (⌊e⌋ + 1) / warmup) · factor^(drops at or before e)

    Args:
      learning_rate: η, > 0.
      warmup_epochs: epochs until the full rate, >= 0; epoch 0 has
        η / warmup, the last warm-up epoch has η. 0 means no warm-up.
      decay_epochs: zero-based epochs from which one more factor applies, in
        ascending order; an epoch named twice applies the factor twice.
      decay_factor: multiplies the rate at every drop, > 0.

    Raises:
      InputError: for an argument outside these ranges.
    """
    drops = tuple(decay_epochs)
    _check(learning_rate, decay_factor, warmup_epochs, drops)

    def rate(epoch: float) -> float:
        epoch = math.floor(epoch)
        warmth = min(1.0, (epoch + 1) / warmup_epochs) if warmup_epochs else 1
        passed = sum(epoch >= drop for drop in drops)
        return learning_rate * warmth * decay_factor**passed

    return rate


def cosine(
    learning_rate: float, *, epochs: int, warmup_epochs: int
) -> Callable[[float], float]:
    """Rise linearly to the learning rate, then fall to 0 along a cosine.

    η(e) = η e / w for e < w, then η (1 + cos(π (e - w) / (E - w))) / 2, with
    w = warmup epochs and E = epochs; step by step, not epoch by epoch.

    Args:
      learning_rate: η, > 0.
      epochs: E, >= 1.
      warmup_epochs: w, in [0, E).

    Raises:
      InputError: for an argument outside these ranges.

    Reference: Loshchilov and Hutter 2017, *SGDR*, Eq. 5, without restarts.
    """
    _check(learning_rate, 1.0, warmup_epochs, ())
    if not warmup_epochs < epochs:
        raise errors.InputError(
            f"Warm-up of {warmup_epochs} epochs in a cosine of {epochs}: "
            "nothing is left to fall; set --warmup_epochs below --epochs."
        )

    def rate(epoch: float) -> float:
        if epoch < warmup_epochs:
            return learning_rate * epoch / warmup_epochs
        done = (epoch - warmup_epochs) / (epochs - warmup_epochs)
        return learning_rate * (1 + math.cos(math.pi * done)) / 2

    return rate


def scaled(epoch_number: int, *, epochs: int, full_epochs: int) -> int:
    """Move an epoch of the full schedule to its place in a shorter one.

    round(epoch_number · epochs / full_epochs), halves up: epoch 160 of 200
    becomes 24 of 30. At least 1, so that a drop or a change of weights never
    comes before any training.

    Raises:
      InputError: for an epoch below 0 or a schedule of no epochs.
    """
    if epoch_number < 0 or epochs < 1 or full_epochs < 1:
        raise errors.InputError(
            f"Cannot move epoch {epoch_number} of {full_epochs} into a "
            f"schedule of {epochs}: the epoch must be at least 0 and both "
            "schedules must have at least 1 epoch."
        )
    # In whole numbers: `round` would send halves to the nearest even epoch.
    halves_up = 2 * epoch_number * epochs + full_epochs
    return max(1, halves_up // (2 * full_epochs))


def scaled_warmup(epochs: int) -> int:
    """Warm-up epochs of a schedule of any length: min(5, ⌊epochs / 6⌋).

    Raises:
      InputError: if there is no epoch.
    """
    if epochs < 1:
        raise errors.InputError(
            f"The schedule has {epochs} epochs; it needs at least 1."
        )
    return min(FULL_WARMUP_EPOCHS, epochs // WARMUP_DIVISOR)


def cumulative_share(epochs: int) -> Callable[[int], float]:
    """Return α(T) = 1 - (T / T_max)², BBN's share of the first branch.

    From 1 at epoch 0 to nearly 0: from features towards a balanced classifier.
    T_max are the schedule's epochs, >= 1.

    Reference: Zhou et al. 2020, *BBN*, section 4.3.
    """
    return lambda epoch: 1 - (epoch / epochs) ** 2


def _check(learning_rate, decay_factor, warmup, drops):
    if not (learning_rate > 0 and decay_factor > 0):
        raise errors.InputError(
            f"Learning rate {learning_rate} and decay factor {decay_factor} "
            "must both be positive, for example 0.1 and 0.01."
        )
    if min((warmup, *drops)) < 0:
        raise errors.InputError(
            f"Warm-up of {warmup} epochs and drops at {list(drops)}: epochs "
            "count from 0, use none below it."
        )
    if list(drops) != sorted(drops):
        raise errors.InputError(
            f"Learning-rate drops at {list(drops)} are out of order; write "
            f"them as {sorted(drops)}."
        )
