"""Early leaving inside a TensorFlow graph: later stages really are skipped.

HAR, Sec. III-C. For servers a batch is compacted: after every stage the
images that are sure leave, and the next one sees only those that are left.
For one TFLite file, nested IF lets one image out.
"""

import functools

import tensorflow as tf

from elf_keras.errors import InputError
from elf_keras.exits import certainty, exit_rule, in_turn
from elf_keras.exits.answer_rule import PLAIN, AnswerRule


class FrozenStage:
    """One of `models.stages`, in float32, with constants as its weights.

    Behind a condition, every variable that a branch reads passes through a
    switch of its own, whether the branch runs or not: with some sixty a
    stage, skipping cost as much as a small stage. Constants live inside the
    branch; one function serves all signatures, so they are stored once.
    """

    def __init__(self, stage):
        self.inputs, self.output = stage.inputs, stage.output
        trained = [value.numpy() for value in stage.trainable_variables]
        other = [value.numpy() for value in stage.non_trainable_variables]

        def call(features):
            outputs, _ = stage.stateless_call(
                [tf.constant(values) for values in trained],
                [tf.constant(values) for values in other],
                features,
                training=False,
            )
            return outputs

        spec = tf.TensorSpec((None, *stage.inputs[0].shape[1:]))
        call = tf.function(call, autograph=False)
        self._call = call.get_concrete_function(spec)

    def __call__(self, features, training=False):
        """Return `{"exit_k": logits, "features": …}`."""
        return self._call(features)


def check_rule(exit_rule: str, classes: int) -> None:
    """Refuse a plug-in's exit rule that is no part of a graph.

    Raises:
      InputError: where it computes with NumPy whatever comes.
    """
    exits = tf.TensorSpec((None, 1, classes))
    ask = functools.partial(certainty.of, rule=exit_rule)
    try:
        tf.function(ask, autograph=False).get_concrete_function(exits)
    except Exception as error:
        told = " ".join(str(error).split())
        raise InputError(
            f"the exit rule {exit_rule!r} cannot be put into a graph ({told}); "
            "compute with elf_keras.exits.arrays.of(logits), which suits "
            "tensors, too"
        ) from error


def leave_early(stages, images, thresholds, rule: AnswerRule = PLAIN):
    """Run a batch stage by stage, survivors compacted.

    Args:
      stages: as `models.stages` returns them.
      images: pixel values 0 to 255, `(batch, height, width, channels)`.
      thresholds: s for every image and early exit, `(batch, exits - 1)`.
      rule: how the model answers.

    Returns:
      By name what the exit taken answers by, `scores` `(batch, classes)`,
      that `exit`, from 1, int32 `(batch,)`, and what the rule compared,
      `(batch,)`: `confidence`, or by another rule its `certainty`.
    """
    found = _batch_from_stage(stages, 1, (images, {}), thresholds, rule)
    plain = rule.exit_rule == certainty.CONFIDENCE
    names = "scores", "exit", "confidence" if plain else "certainty"
    return dict(zip(names, found, strict=True))


def _batch_from_stage(stages, number, state, thresholds, rule):
    """Return the answers of those who have come to this stage.

    Scores, the exit and the certainty there, as tensors of their own: to join
    and part them took longer, for a single image, than to choose its exit.

    Args:
      state: their features, and what the rule keeps of earlier exits.
    """
    features, kept = state
    with tf.name_scope(f"stage_{number}"):
        outputs = stages[number - 1](features, training=False)
    scores, sure, keeps = in_turn.step(
        rule, number, outputs[f"exit_{number}"], kept
    )

    def answers():
        return scores, tf.fill(tf.shape(sure), number), sure

    if number == len(stages):
        return answers()
    leaves = exit_rule.above(sure, thresholds[:, number - 1])

    def following():
        stay = tf.where(~leaves)
        left = tf.nest.map_structure(
            lambda value: tf.gather_nd(value, stay),
            (outputs["features"], keeps),
        )
        limits = tf.gather_nd(thresholds, stay)
        found = _batch_from_stage(stages, number + 1, left, limits, rule)
        # Those who stayed are answered further on.
        return tuple(
            tf.tensor_scatter_nd_update(at_this, stay, later)
            for at_this, later in zip(answers(), found, strict=True)
        )

    # What is skipped costs nothing, not even a condition for each stage.
    return tf.cond(tf.reduce_all(leaves), answers, following)


def nested(stages, rule: AnswerRule = PLAIN):
    """All stages as one graph that leaves early by nested IF.

    TFLite's CPU runtime skips the branch that is not taken. Delegates for
    GPUs and NPUs do not take IF, which is why the chain comes first.

    Returns:
      A concrete function of `image` `(1, …)` and `exit_threshold`
      `(exits - 1,)`, to `scores` `(1, classes)` and `exit`, from 1, `()`.
    """
    image = tf.TensorSpec((1, *stages[0].inputs[0].shape[1:]), name="image")
    limits = tf.TensorSpec((len(stages) - 1,), name="exit_threshold")

    def call(image, exit_threshold):
        scores, taken = _from_stage(stages, 1, image, {}, exit_threshold, rule)
        return {"scores": scores, "exit": taken}

    call = tf.function(call, autograph=False)
    return call.get_concrete_function(image, limits)


def _from_stage(stages, number, features, kept, thresholds, rule):
    outputs = stages[number - 1](features, training=False)
    scores, sure, keeps = in_turn.step(
        rule, number, outputs[f"exit_{number}"], kept
    )
    taken = tf.constant(number)
    if number == len(stages):
        return scores, taken
    return tf.cond(
        exit_rule.above(sure, thresholds[number - 1])[0],
        lambda: (scores, taken),
        lambda: _from_stage(
            stages, number + 1, outputs["features"], keeps, thresholds, rule
        ),
    )
