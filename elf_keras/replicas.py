"""Sums over the replicas of a distribution strategy."""

import tensorflow as tf


def sum_over_replicas(values):
    """Sum a tensor over the replicas of the current strategy."""
    context = tf.distribute.get_replica_context()
    if context is None or context.num_replicas_in_sync == 1:
        return values
    return context.all_reduce(tf.distribute.ReduceOp.SUM, values)
