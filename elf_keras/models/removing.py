"""Training without the images that left: they are taken out of the batch.

A stage is computed, forward and backward, for the images that no earlier
exit has satisfied. Masked, they go all the way and their later losses count
nothing: the same loss for more work, and other batch statistics.
"""

from collections.abc import Callable

import keras
import tensorflow as tf

from elf_keras.distribution import replicas
from elf_keras.exits import exit_rule
from elf_keras.exits.arrays import at_least_float32
from elf_keras.models import multi_exit
from elf_keras.models.layers import BatchNormalization


class RemovingPass:
    """The training pass in which an image that leaves goes no further.

    Stage k + 1 gets the features of the images that are not satisfied at
    exits 1 … k by the training rule g. Batch norm so takes its statistics
    over these alone, as it meets them in use (but for static use, where easy
    images come as well); where it is frozen, losses and gradients are those
    of the whole model. At exits that an image did not come to, it keeps the
    logits it left with, which take no gradient.

    The sizes of its batches differ from step to step: XLA, and a TPU, cannot
    compile it. A stage that nobody comes to has gradients of zero and moves no
    statistic. Replicas on CPUs need TF_ENABLE_ONEDNN_OPTS=0: oneDNN gets empty
    batches wrong.

    Args:
      model: with exits; the pass shares its weights.
      leaves: (labels, logits `(batch, exits, classes)`) -> who is satisfied
        where, `(batch, exits)`; as `CumulativeLoss.leaves`.

    Example:
      >>> loss = CumulativeLoss(exit_loss, 10, train_threshold=0.9)
      >>> leaving = RemovingPass(model, loss.leaves)
      >>> model.compile(CoupledSGD(0.1), loss, training_pass=leaving)

    Reference: HAR, Sec. III-B, where they are masked.
    """

    fixed_shapes = False

    def __init__(self, model: keras.Model, leaves: Callable):
        names = exit_rule.exit_names(multi_exit.exits(model))
        self.stages = dict(zip(names, multi_exit.stages(model), strict=True))
        self.leaves = leaves
        self.stage_of = _stages_of_weights(self.stages.values())

    def __call__(self, images, labels):
        """Return the named outputs, each `(batch, classes)`, and the labels.

        Args:
          images: `(batch, height, width, channels)`.
          labels: as `CumulativeLoss.terms` takes them.
        """
        here, still = images, tf.convert_to_tensor(labels)
        places = tf.range(tf.shape(images)[0])
        outputs, logits = {}, None
        for name, stage in self.stages.items():
            found = _run(stage, here, ever_empty=logits is not None)
            own = at_least_float32(found[name])
            logits = own if logits is None else _put(own, places, logits)
            outputs[name] = logits
            if "features" in found:
                leaves = self.leaves(still, own[:, None])[:, 0]
                stay = tf.where(tf.logical_not(leaves))[:, 0]
                here = tf.gather(found["features"], stay)
                still, places = tf.gather(still, stay), tf.gather(places, stay)
        return outputs, labels

    def gradients(self, gradients: list, weights: list, active) -> list:
        """Return the gradients, zeros for a stage that nobody came to.

        TensorFlow's gradient of a depthwise kernel over an empty batch is
        memory that was never written.

        Args:
          weights: whose gradients they are.
          active: as in `Terms`, `(batch, exits)`.
        """
        reached = tf.reduce_any(active > 0, axis=0)
        return [
            tf.where(
                reached[self.stage_of[id(weight)]],
                gradient,
                tf.zeros_like(gradient),
            )
            for gradient, weight in zip(gradients, weights, strict=True)
        ]


def _put(values, places, before):
    """Rows in their places in the batch, over those of the exit before."""
    before = tf.stop_gradient(before)
    return tf.tensor_scatter_nd_update(before, places[:, None], values)


def _run(stage, images, *, ever_empty):
    """A stage's outputs in training; no image moves no statistic."""
    if replicas.several():
        return _run_on_replicas(stage, images)
    if not ever_empty:
        return stage(images, training=True)
    # Kernels are not all written for an empty batch: oneDNN's convolution
    # gives it the wrong shape.
    found = tf.cond(
        tf.shape(images)[0] > 0,
        lambda: stage(images, training=True),
        lambda: {
            name: tf.zeros((0, *output.shape[1:]), output.dtype)
            for name, output in stage.output.items()
        },
    )
    return {
        name: tf.ensure_shape(found[name], output.shape)
        for name, output in stage.output.items()
    }


def _run_on_replicas(stage, images):
    """Where another replica has images, batch norm must wait for all."""
    norms = [*_norms_of_keras(stage)]
    if not norms:
        return stage(images, training=True)
    moving = [w for norm in norms for w in norm.non_trainable_variables]
    before = [tf.identity(each) for each in moving]
    found = stage(images, training=True)
    count = tf.cast(tf.shape(images)[0], "float32")
    anybody = replicas.sum_over_replicas(count) > 0
    for each, old in zip(moving, before, strict=True):
        each.assign(tf.where(anybody, each, old))
    return found


def _norms_of_keras(model):
    """Batch norms that take the mean of nothing where no image comes."""
    for layer in model.layers:
        if isinstance(layer, keras.Model):
            yield from _norms_of_keras(layer)
        own = isinstance(layer, BatchNormalization)
        if isinstance(layer, keras.layers.BatchNormalization) and not own:
            yield layer


def _stages_of_weights(stages):
    """The first stage, from 0, that has each weight, by the weight's id."""
    found = {}
    for number, stage in enumerate(stages):
        for weight in stage.weights:
            found.setdefault(id(weight), number)
    return found
