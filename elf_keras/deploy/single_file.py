"""All stages in one TFLite graph that leaves early by nested IF.

The CPU runtime skips the branch that is not taken. Delegates for GPUs and
NPUs do not take IF, which is why the chain of stages comes first.
"""

import tensorflow as tf

from elf_keras.exits import exit_rule


def signature(stages):
    """Return the concrete function of one image and its thresholds.

    Args:
      stages: as `models.stages` returns them.

    Returns:
      A function of `image` `(1, …)` and `exit_threshold` `(exits - 1,)`,
      to `scores` `(1, classes)` and `exit`, from 1, `()`.
    """
    image = tf.TensorSpec((1, *stages[0].inputs[0].shape[1:]), name="image")
    limits = tf.TensorSpec((len(stages) - 1,), name="exit_threshold")

    def call(image, exit_threshold):
        scores, taken = _from_stage(stages, 0, image, exit_threshold)
        return {"scores": scores, "exit": taken}

    return tf.function(call).get_concrete_function(image, limits)


def _from_stage(stages, number, features, thresholds):
    outputs = stages[number](features, training=False)
    scores = outputs[f"exit_{number + 1}"]
    taken = tf.constant(number + 1)
    if number == len(stages) - 1:
        return scores, taken
    leaves = exit_rule.satisfied(scores, thresholds[number])[0]
    return tf.cond(
        leaves,
        lambda: (scores, taken),
        lambda: _from_stage(
            stages, number + 1, outputs["features"], thresholds
        ),
    )
