"""Sums over the replicas of a distribution strategy, and empty replicas."""

import tensorflow as tf


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
      gradients: one a trainable weight.
      images: this replica's part of the batch, `(batch, ...)`.
    """
    if _replicas() == 1:
        return gradients
    any_example = tf.shape(images)[0] > 0
    return [
        tf.where(any_example, gradient, tf.zeros_like(gradient))
        for gradient in gradients
    ]


def _replicas():
    context = tf.distribute.get_replica_context()
    return context.num_replicas_in_sync if context else 1
