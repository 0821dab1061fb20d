"""Sums over the replicas of a distribution strategy, and their own parts."""

import numpy as np
import tensorflow as tf

from elf_keras.distribution import workers


def several() -> bool:
    """Whether the current strategy has more than one replica."""
    return tf.distribute.get_strategy().num_replicas_in_sync > 1


def sum_over_replicas(values):
    """Sum a tensor over the replicas of the current strategy."""
    if _replicas() == 1:
        return values
    context = tf.distribute.get_replica_context()
    return context.all_reduce(tf.distribute.ReduceOp.SUM, values)


def gradients_of_examples(gradients: list, images) -> list:
    """Return the gradients, zeros where this replica has no example.

    An epoch's last batch can leave a replica empty. Its gradients are zeros,
    but TensorFlow's gradient of a depthwise kernel over an empty batch is
    memory that was never written, often not even finite.

    Args:
      images: this replica's part of the batch, `(batch, ...)`.
    """
    if _replicas() == 1:
        return gradients
    any_example = tf.shape(images)[0] > 0
    return [
        tf.where(any_example, gradient, tf.zeros_like(gradient))
        for gradient in gradients
    ]


def overflow_together(gradients: list) -> list:
    """Return the gradients, no numbers on any replica where one has none.

    Keras lowers a float16 loss scale, and leaves the step out, by what one
    replica's own gradients are, and sums them over the replicas afterwards.
    """
    if _replicas() == 1:
        return gradients
    finite = [
        tf.reduce_all(tf.math.is_finite(gradient)) for gradient in gradients
    ]
    overflown = tf.cast(tf.logical_not(tf.reduce_all(finite)), "float32")
    spoil = sum_over_replicas(overflown) > 0
    return [
        tf.where(spoil, tf.constant(np.nan, gradient.dtype), gradient)
        for gradient in gradients
    ]


def local_values(variable) -> list[np.ndarray]:
    """Return each replica's own part of a variable that is summed when read.

    Of all workers' replicas, so that every worker must call.
    """
    strategy = tf.distribute.get_strategy()
    own = [np.array(part) for part in _parts(variable)]
    if workers.is_several(strategy):
        return list(workers.gathered(strategy, np.stack(own)))
    return own


def set_local_values(variable, values: list) -> None:
    """Set what `local_values` gave; with other replicas, the sum of it."""
    strategy = tf.distribute.get_strategy()
    count = strategy.num_replicas_in_sync
    if count != len(values):
        none = np.zeros_like(values[0])
        values = [np.sum(values, axis=0), *[none] * (count - 1)]
    own = np.arange(count)
    if workers.is_several(strategy):
        own = workers.rows_of_worker(strategy, count)
    for part, index in zip(_parts(variable), own, strict=True):
        value = values[index]
        part.assign(np.array(value, variable.dtype))


def clear(variable) -> None:
    """Set this worker's own parts to 0; the others are not asked."""
    for part in _parts(variable):
        part.assign(tf.zeros_like(part))


def total(variable) -> np.ndarray:
    """Return the sum that a read gives, where every worker calls.

    TensorFlow's own read leaves threads behind where another worker is gone.
    """
    return np.sum(local_values(variable), axis=0)


def _parts(variable):
    strategy = tf.distribute.get_strategy()
    return strategy.experimental_local_results(variable.value)


def _replicas():
    context = tf.distribute.get_replica_context()
    return context.num_replicas_in_sync if context else 1
