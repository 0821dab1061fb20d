"""The Keras model class of multi-exit networks, with its thin train step."""

import keras
import tensorflow as tf

from elf_keras.distribution import worker_steps, workers
from elf_keras.distribution.replicas import (
    gradients_of_examples,
    overflow_together,
)
from elf_keras.models import exit_record


@keras.saving.register_keras_serializable("elf_keras")
class MultiExitModel(keras.Model):
    """A functional model with named exits, trained by a cumulative loss.

    Compile it with an optimizer and a `CumulativeLoss`, then call `fit` as
    on any Keras model. The logs name each exit's accuracy, the share of
    examples that take it under the training rule, and their mean loss.

    Args:
      inputs: the image tensor.
      outputs: dict of `exit_1 … exit_K`, each `(batch, classes)`.
      **kwargs: as in `keras.Model`.
    """

    def compile(
        self,
        optimizer,
        loss,
        *,
        training_pass=None,
        run_eagerly=False,
        jit_compile=False,
    ):
        """Set optimizer and objective.

        Args:
          optimizer: a Keras optimizer; see `training.CoupledSGD`.
          loss: a `CumulativeLoss`.
          training_pass: called in training with (images, labels) instead of
            the model; returns named outputs and the labels to compare them
            with. See `ManifoldMixup` and `BilateralPass`.
          run_eagerly: as in `keras.Model.compile`, for debugging.
          jit_compile: likewise; off, since XLA does not mix with replicas
            and is five times slower on a CPU.
        """
        super().compile(
            optimizer=optimizer,
            run_eagerly=run_eagerly,
            jit_compile=jit_compile,
        )
        self.objective = loss
        self.training_pass = training_pass or self._training_pass
        self.exit_record = exit_record.ExitRecord(len(self.output_names))

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
        if not workers.is_several(self.distribute_strategy):
            return super().make_train_function(force)
        if self.train_function is None or force:
            self.train_function = worker_steps.train_function(self)
        return self.train_function

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
        gradients = gradients_of_examples(gradients, images)
        if isinstance(self.optimizer, keras.optimizers.LossScaleOptimizer):
            gradients = overflow_together(gradients)
        self.optimizer.apply_gradients(
            zip(gradients, self.trainable_weights, strict=True)
        )
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
