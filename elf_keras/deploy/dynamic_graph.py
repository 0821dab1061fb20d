"""Early leaving inside a TensorFlow graph: later stages really are skipped.

HAR, Sec. III-C. After every stage the images that are sure leave, and the
next one sees only those that are left; once nobody is, it does not run.
"""

import tensorflow as tf

from elf_keras import exit_rule


def leave_early(stages, images, thresholds):
    """Run a batch stage by stage, survivors compacted.

    Args:
      stages: functions from features to `{"exit_k": scores, "features": …}`,
        as `multi_exit.stages` returns them.
      images: pixel values 0 to 255, `(batch, height, width, channels)`.
      thresholds: s for every image and early exit, `(batch, exits - 1)`.

    Returns:
      Scores at the exit taken, `(batch, classes)`, and that exit, from 1,
      int32 `(batch,)`.
    """
    batch = tf.shape(images)[0]
    classes = stages[0].output["exit_1"].shape[-1]
    state = (
        tf.range(batch),
        images,
        tf.zeros((batch, classes)),
        tf.zeros((batch,), tf.int32),
    )
    for number, stage in enumerate(stages, start=1):
        last = number == len(stages)
        column = None if last else thresholds[:, number - 1]
        state = _unless_all_left(stage, number, column, state)
    return state[2], state[3]


def _unless_all_left(stage, number, thresholds, state):
    """One stage behind a condition: an empty batch would still cost."""
    alive, features, scores, taken = state
    following = stage.output.get("features")
    shape = () if following is None else following.shape[1:]

    def run():
        with tf.name_scope(f"stage_{number}"):
            outputs = stage(features, training=False)
        found = outputs[f"exit_{number}"]
        if thresholds is None:
            leaves = tf.ones_like(alive, tf.bool)
        else:
            limit = tf.gather(thresholds, alive)
            leaves = exit_rule.satisfied(found, limit)
        gone = tf.boolean_mask(alive, leaves)
        exits = tf.fill(tf.shape(gone), number)
        rest = outputs.get("features", tf.zeros((tf.size(alive),)))
        stay = tf.logical_not(leaves)
        return (
            tf.boolean_mask(alive, stay),
            tf.boolean_mask(rest, stay),
            tf.tensor_scatter_nd_update(
                scores, gone[:, None], tf.boolean_mask(found, leaves)
            ),
            tf.tensor_scatter_nd_update(taken, gone[:, None], exits),
        )

    def skip():
        return alive, tf.zeros((0, *shape)), scores, taken

    return tf.cond(tf.size(alive) > 0, run, skip)
