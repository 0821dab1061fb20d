"""A stage as a graph function whose weights are constants.

Behind a condition, every variable that a branch reads passes through a
switch of its own, whether the branch runs or not: with some sixty a stage,
skipping cost as much as a small stage. Constants live inside the branch.
One function serves all signatures, so the weights are stored once.
"""

import tensorflow as tf


class FrozenStage:
    """One stage of `models.stages`, called like it.

    Args:
      stage: a Keras model in float32.

    Attributes:
      inputs: symbolic inputs of the stage.
      output: its symbolic outputs by name.
    """

    def __init__(self, stage):
        self.inputs, self.output = stage.inputs, stage.output
        trained, other = (
            [variable.numpy() for variable in variables]
            for variables in (
                stage.trainable_variables,
                stage.non_trainable_variables,
            )
        )

        def call(features):
            outputs, _ = stage.stateless_call(
                [tf.constant(values) for values in trained],
                [tf.constant(values) for values in other],
                features,
                training=False,
            )
            return outputs

        spec = tf.TensorSpec((None, *stage.inputs[0].shape[1:]))
        self._call = tf.function(call).get_concrete_function(spec)

    def __call__(self, features, training=False):
        """Return `{"exit_k": scores, "features": …}`."""
        return self._call(features)
