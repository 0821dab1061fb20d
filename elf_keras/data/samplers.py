"""Which training images an epoch shows: a class's share is p_c ~ n_c^q.

Kang et al. 2020, *Decoupling Representation and Classifier for Long-Tailed
Recognition*, section 3.1: q = 1 instance-balanced, 0 class-balanced, 1/2
square root; progressive mixes the first two by the epoch, Eq. 2; deferred is
the first up to an epoch, then the second (DRS; Cao et al. 2019, section 3.3;
their code draws by the effective number there, which is nearly the same).
Drawn here by systematic sampling, so that an epoch's shares are exact but for
one image.
"""

from collections.abc import Callable

import numpy as np
import tensorflow as tf

PERMUTATION_STREAM, OFFSET_STREAM, SHUFFLE_STREAM = 11, 12, 13


def _by_power(power: float) -> Callable:
    """Shares by a power of the number of images, whatever the progress."""
    return lambda counts, progress: _shares(counts, power)


def _progressive(counts, progress):
    """From instance-balanced (progress 0) to class-balanced (1)."""
    equal = _shares(counts, 0.0)
    return (1 - progress) * _shares(counts, 1.0) + progress * equal


# Images per class, progress in [0, 1] -> class shares, float64 (classes,).
SAMPLERS = {
    "instance": _by_power(1.0),
    "class_balanced": _by_power(0.0),
    "square_root": _by_power(0.5),
    "progressive": _progressive,
    # From its epoch on; `order` is `instance` before.
    "deferred": _by_power(0.0),
    # BBN, section 4.2.
    "reversed": _by_power(-1.0),
}


def order(
    labels: np.ndarray,
    *,
    sampler: str,
    seed: int,
    epoch: tf.Tensor,
    epochs: int,
    deferred_epoch: int = 0,
) -> tuple[tf.Tensor, tf.Tensor]:
    """The examples of one epoch, as many as there are, in their order.

    The `epoch` is a scalar int64, from 0; `epochs`, those of the whole run,
    matter to `progressive`; before `deferred_epoch`, `deferred` shows what
    `instance` would, which shows each example once.

    Returns:
      int32 (examples,) twice: the example, and the number of its draw, by
      which it is augmented: the example itself where it is shown once, its
      place in the epoch where others may show it again.
    """
    key = tf.stack([tf.constant(seed, tf.int64), epoch])

    def once():
        examples = tf.random.experimental.stateless_shuffle(
            tf.range(len(labels)), key
        )
        return examples, examples

    def sampled():
        last = tf.cast(max(epochs - 1, 1), tf.float64)
        progress = tf.minimum(tf.cast(epoch, tf.float64) / last, 1.0)
        return _sampled(labels, SAMPLERS[sampler], progress, key)

    if sampler == "instance":
        return once()
    if sampler == "deferred":
        return tf.cond(epoch < deferred_epoch, once, sampled)
    return sampled()


def _sampled(labels, sampler, progress, key):
    count = len(labels)
    fold_in = tf.random.experimental.stateless_fold_in
    counts = np.bincount(labels)
    shares = sampler(counts, progress)
    # Classes one after the other, the images of each in random order.
    mixed = tf.constant(labels, tf.float64) + tf.random.stateless_uniform(
        (count,), fold_in(key, PERMUTATION_STREAM), dtype=tf.float64
    )
    by_class = tf.argsort(mixed)
    weights = tf.gather(
        shares / np.maximum(counts, 1), tf.gather(labels, by_class)
    )
    ends = tf.cumsum(weights * count)
    offset = tf.random.stateless_uniform(
        (), fold_in(key, OFFSET_STREAM), dtype=tf.float64
    )
    places = tf.range(count, dtype=tf.float64) + offset
    found = tf.searchsorted(ends, places, side="right")
    # Rounding may leave the last place a hair beyond the last end.
    drawn = tf.gather(by_class, tf.minimum(found, count - 1))
    examples = tf.random.experimental.stateless_shuffle(
        drawn, fold_in(key, SHUFFLE_STREAM)
    )
    return examples, tf.range(count)


def _shares(counts: np.ndarray, power: float) -> tf.Tensor:
    # A class without images stays without.
    powers = np.where(counts > 0, np.maximum(counts, 1.0) ** power, 0.0)
    return tf.constant(powers / powers.sum(), tf.float64)
