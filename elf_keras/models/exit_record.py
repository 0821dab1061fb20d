"""A Keras metric that records what happens at each exit."""

import keras
import tensorflow as tf
from keras import ops

from elf_keras.distribution import replicas


class ExitRecord(keras.metrics.Metric):
    """Loss, and per exit: accuracy, share leaving, mean loss of the leavers.

    `loss` is Σ_i w_i L_i / Σ_i w_i over what was seen, whatever the
    normalization of the objective;
    `exit_k_accuracy` counts every example at every exit; `exit_k_share` is
    the share that takes exit k under the training rule; `exit_k_loss` is
    the mean of Σ_k active ℓ over those examples, unweighted, which should
    rise with k (HAR, Property 1).

    Args:
      exits: number of exits K.
    """

    def __init__(self, exits: int, name: str = "exit_record"):
        super().__init__(name=name)
        self.exits = exits
        self.loss_sum = self.add_variable((2,), "zeros", name="loss_sum")
        self.exit_sums = self.add_variable(
            (3, exits), "zeros", name="exit_sums"
        )
        self._strategy = tf.distribute.get_strategy()

    def reset_state(self):
        """Start anew, each worker by itself.

        Keras' own reads what it wrote, which asks all workers for their part.
        """
        with self._strategy.scope():
            for each in self.variables:
                replicas.clear(each)

    def update_state(self, terms):
        """Add the terms of one batch; see `losses.objective.Terms`."""
        present = ops.cast(terms.sample_weights > 0, terms.active.dtype)
        cumulated = ops.sum(terms.active * terms.exit_losses, axis=-1)
        self.loss_sum.assign_add(
            ops.stack(
                [
                    ops.sum(terms.example_weights * cumulated),
                    ops.sum(terms.example_weights),
                ]
            )
        )
        # An example takes the last exit at which it is active.
        following = ops.pad(terms.active[:, 1:], [[0, 0], [0, 1]])
        taken = terms.active - following
        self.exit_sums.assign_add(
            ops.stack(
                [
                    ops.sum(present[:, None] * terms.correct, axis=0),
                    ops.sum(present[:, None] * taken, axis=0),
                    ops.sum((present * cumulated)[:, None] * taken, axis=0),
                ]
            )
        )

    def result(self):
        """Return the logs by name, as scalars: those of all replicas."""
        sums = self._sums()
        loss, weight = sums[0], sums[1]
        correct, taken, losses = ops.unstack(
            ops.reshape(sums[2:], [3, self.exits]), axis=0
        )
        examples = ops.sum(taken)
        logs = {"loss": ops.divide_no_nan(loss, weight)}
        for number in range(self.exits):
            name = f"exit_{number + 1}"
            logs[f"{name}_accuracy"] = ops.divide_no_nan(
                correct[number], examples
            )
            logs[f"{name}_share"] = ops.divide_no_nan(taken[number], examples)
            logs[f"{name}_loss"] = ops.divide_no_nan(
                losses[number], taken[number]
            )
        return logs

    def _sums(self):
        inside = (
            tf.distribute.get_strategy() is self._strategy
            and not tf.distribute.in_cross_replica_context()
        )
        if not inside:
            with self._strategy.scope():
                parts = [replicas.total(each) for each in self.variables]
        else:
            parts = [each.value for each in self.variables]
        sums = ops.concatenate([ops.reshape(part, [-1]) for part in parts])
        # One sum a step: a message to the other workers is slow, not long.
        return replicas.sum_over_replicas(sums)
