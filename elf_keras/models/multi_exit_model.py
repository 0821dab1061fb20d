"""The Keras model class of multi-exit networks, with its thin train step."""

import keras
import tensorflow as tf
from keras import ops

from elf_keras.distribution import replicas, worker_steps, workers
from elf_keras.errors import InputError
from elf_keras.exits import exit_rule
from elf_keras.models import misuse


class ExitRecord(keras.metrics.Metric):
    """Loss, and per exit: accuracy, share leaving, mean loss of the leavers.

    `loss` is Σ_i w_i L_i / Σ_i w_i over what was seen, whatever the
    normalization of the objective;
    `exit_k_accuracy` counts every example at every exit, with the answer it
    left with where it was taken out of the batch; `exit_k_share` is
    the share that takes exit k under the training rule; `exit_k_loss` is
    the mean of Σ_k active ℓ over those examples, unweighted, which should
    rise with k (HAR, Property 1).
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
        weights = terms.example_weights
        loss = [ops.sum(weights * cumulated), ops.sum(weights)]
        self.loss_sum.assign_add(ops.stack(loss))
        # An example takes the last exit at which it is active.
        following = ops.pad(terms.active[:, 1:], [[0, 0], [0, 1]])
        taken = terms.active - following
        counted = (
            present[:, None] * terms.correct,
            present[:, None] * taken,
            (present * cumulated)[:, None] * taken,
        )
        sums = [ops.sum(each, axis=0) for each in counted]
        self.exit_sums.assign_add(ops.stack(sums))

    def result(self):
        """Return the logs by name, as scalars: those of all replicas."""
        sums = self._sums()
        logs = {"loss": ops.divide_no_nan(sums[0], sums[1])}
        correct, taken, losses = ops.unstack(ops.reshape(sums[2:], [3, -1]))
        examples = ops.sum(taken)
        for k, name in enumerate(exit_rule.exit_names(self.exits)):
            logs[f"{name}_accuracy"] = ops.divide_no_nan(correct[k], examples)
            logs[f"{name}_share"] = ops.divide_no_nan(taken[k], examples)
            logs[f"{name}_loss"] = ops.divide_no_nan(losses[k], taken[k])
        return logs

    def _sums(self):
        here = tf.distribute.get_strategy() is self._strategy
        if here and not tf.distribute.in_cross_replica_context():
            parts = [each.value for each in self.variables]
        else:
            with self._strategy.scope():
                parts = [replicas.total(each) for each in self.variables]
        sums = ops.concatenate([ops.reshape(part, [-1]) for part in parts])
        # One sum a step: a message to the other workers is slow, not long.
        return replicas.sum_over_replicas(sums)


@keras.saving.register_keras_serializable("elf_keras")
class MultiExitModel(keras.Model):
    """A functional model with named exits, trained by a cumulative loss.

    Compile it with an optimizer and a `CumulativeLoss`, then call `fit` as
    on any Keras model. The logs name each exit's accuracy, the share of
    examples that take it under the training rule, and their mean loss. Its
    outputs are a dict of `exit_1 … exit_K`, each `(batch, classes)`.

    Attributes:
      after_step: called at the end of a training step on every replica, or
        None; see `training.weight_average`.
    """

    after_step = None

    def compile(
        self,
        optimizer="rmsprop",
        loss=None,
        *,
        training_pass=None,
        run_eagerly=False,
        jit_compile=False,
        **others,
    ):
        """Set optimizer and objective.

        Args:
          optimizer: a Keras optimizer; see `training.CoupledSGD`.
          training_pass: called in training with (images, labels) instead of
            the model; returns named outputs and the labels to compare them
            with. See `ManifoldMixup`, `BilateralPass`, and `RemovingPass`,
            which also has a say in the gradients.
          run_eagerly: as in `keras.Model.compile`, for debugging.
          jit_compile: likewise; off, since XLA does not mix with replicas
            and is five times slower on a CPU.
          **others: what Keras' own `compile` takes, such as metrics; refused.

        Raises:
          InputError: where `loss` is none for several exits, or is one of
            cosines that the exits do not give; for metrics of one output; and
            where XLA is to compile a pass whose shapes differ from step to
            step.
        """
        misuse.check_objective(self, loss)
        misuse.refuse_others(others)
        if jit_compile and not getattr(training_pass, "fixed_shapes", True):
            raise InputError(
                "jit_compile=True with images that leave the batch: XLA needs "
                "batches of one size; leave jit_compile or the pass out"
            )
        super().compile(
            optimizer=optimizer,
            run_eagerly=run_eagerly,
            jit_compile=jit_compile,
        )
        self.objective = loss
        self.training_pass = training_pass or self._training_pass
        self._gradients = getattr(training_pass, "gradients", None)
        self.exit_record = ExitRecord(len(self.output_names))

    @property
    def metrics(self):
        """The record of what happens at each exit, reset every epoch."""
        return [self.exit_record] if self.compiled else []

    def get_compile_config(self):
        """Return an empty config: a saved model is for inference."""

    def _maybe_symbolic_build(self, iterator=None, data_batch=None):
        """Build the optimizer only: all else is built from the start.

        Keras would run a batch through the model here, and fails under a
        strategy whose replicas get batches of different sizes.
        """
        if self.compiled and not self.optimizer.built:
            with self.distribute_strategy.scope():
                self.optimizer.build(self.trainable_variables)

    def make_train_function(self, force=False):
        """Return what `fit` calls for each step; see `worker_steps`."""
        if self.train_function is None or force:
            if workers.is_several(self.distribute_strategy):
                self.train_function = worker_steps.train_function(self)
            else:
                super().make_train_function(force)
                self.train_function = misuse.told_of_labels(self.train_function)
        return self.train_function

    def make_test_function(self, force=False):
        """Return what `evaluate` calls for each step."""
        if self.test_function is None or force:
            super().make_test_function(force)
            self.test_function = misuse.told_of_labels(self.test_function)
        return self.test_function

    def train_step(self, data):
        """Apply the gradients of one batch and return the running logs."""
        images, labels, weights = keras.utils.unpack_x_y_sample_weight(data)
        with tf.GradientTape() as tape:
            outputs, labels = self.training_pass(images, labels)
            terms = self.objective.terms(labels, outputs, weights)
            loss = self.objective.reduce(terms)
            # float16 gradients vanish unless the loss is scaled up first.
            scaled = self.optimizer.scale_loss(loss)
        gradients = tape.gradient(scaled, self.trainable_weights)
        gradients = replicas.gradients_of_examples(gradients, images)
        if self._gradients:
            weights = self.trainable_weights
            gradients = self._gradients(gradients, weights, terms.active)
        if isinstance(self.optimizer, keras.optimizers.LossScaleOptimizer):
            gradients = replicas.overflow_together(gradients)
        self.optimizer.apply_gradients(
            zip(gradients, self.trainable_weights, strict=True)
        )
        if self.after_step:
            self.after_step()
        self.exit_record.update_state(terms)
        return self.get_metrics_result()

    def test_step(self, data):
        """Add one batch to the logs, without training."""
        images, labels, weights = keras.utils.unpack_x_y_sample_weight(data)
        outputs = self(images, training=False)
        terms = self.objective.terms(labels, outputs, weights)
        self.exit_record.update_state(terms)
        return self.get_metrics_result()

    def _training_pass(self, images, labels):
        return self(images, training=True), labels
