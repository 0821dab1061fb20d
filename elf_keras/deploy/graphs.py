"""Early leaving inside a TensorFlow graph: later stages really are skipped.

HAR, Sec. III-C. After every stage the images that are sure leave, and the
next one sees only those that are left; once nobody is, it does not run.
"""

import tensorflow as tf

from elf_keras.exits import exit_rule


def leave_early(stages, images, thresholds):
    """Run a batch stage by stage, survivors compacted.

    Args:
      stages: functions from features to `{"exit_k": scores, "features": …}`,
        as `models.stages` returns them.
      images: pixel values 0 to 255, `(batch, height, width, channels)`.
      thresholds: s for every image and early exit, `(batch, exits - 1)`.

    Returns:
      Scores at the exit taken, `(batch, classes)`, and that exit, from 1,
      int32 `(batch,)`.
    """
    batch = tf.shape(images)[0]
    classes = stages[0].output["exit_1"].shape[-1]
    # The exit taken is a last column: one scatter a stage instead of two.
    state = tf.range(batch), images, tf.zeros((batch, classes + 1))
    for number, stage in enumerate(stages, start=1):
        last = number == len(stages)
        column = None if last else thresholds[:, number - 1]
        state = _unless_all_left(stage, number, column, state)
    answers = state[2]
    return answers[:, :-1], tf.cast(answers[:, -1], tf.int32)


def _unless_all_left(stage, number, thresholds, state):
    """Return the state after one stage, which runs if anybody is left."""
    alive, features, answers = state
    following = stage.output.get("features")
    shape = () if following is None else following.shape[1:]

    def run():
        with tf.name_scope(f"stage_{number}"):
            outputs = stage(features, training=False)
        found = outputs[f"exit_{number}"]
        exits = tf.fill((tf.size(alive), 1), float(number))
        rows = tf.concat([found, exits], axis=1)
        if thresholds is None:
            given = tf.tensor_scatter_nd_update(answers, alive[:, None], rows)
            return alive[:0], tf.zeros((0,)), given
        leaves = exit_rule.satisfied(found, tf.gather(thresholds, alive))
        stay, gone = tf.dynamic_partition(
            tf.range(tf.size(alive)), tf.cast(leaves, tf.int32), 2
        )
        return (
            tf.gather(alive, stay),
            tf.gather(outputs["features"], stay),
            tf.tensor_scatter_nd_update(
                answers, tf.gather(alive, gone)[:, None], tf.gather(rows, gone)
            ),
        )

    def skip():
        return alive, tf.zeros((0, *shape)), answers

    # Everybody is there at first: no condition to pay for.
    return run() if number == 1 else tf.cond(tf.size(alive) > 0, run, skip)
