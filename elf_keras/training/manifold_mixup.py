"""Manifold MixUp: feature maps are mixed at a random depth, and labels too.

Verma et al. 2019, *Manifold Mixup: Better Representations by Interpolating
Hidden States*, section 2. Nothing of it stays in the model.
"""

import keras
import tensorflow as tf

from elf_keras import models
from elf_keras.data import mixing
from elf_keras.errors import InputError
from elf_keras.models import layer_graph

MANIFOLD_STREAM = 4


class ManifoldMixup:
    """The training pass of a bare backbone that mixes at a random place.

    x̃ = λ x + (1 - λ) x', ỹ = λ y + (1 - λ) y' with λ ~ Beta(α, α), x the
    image or a feature map and x' that of the next image in the batch (of the
    same replica), whose order is random already. λ and place are drawn once
    a batch, for all replicas the same, as a function of the seed and the
    number of steps so far: a resumed run draws the same.

    `alpha` is α > 0. A model with early exits is an `InputError`: below the
    place they would see unmixed images, whose later labels are mixed.

    Reference: Verma et al. 2019, section 2; their code mixes the input, or
    the last map before the first or second change of resolution.
    """

    def __init__(self, model: keras.Model, *, alpha: float, seed: int):
        if models.exits(model) > 1:
            raise InputError(
                "manifold mixup with early exits: those below the mixed map "
                "would see other images than the later ones; set "
                "--method=single, or --mixing=mixup"
            )
        self.model, self.alpha, self.seed = model, alpha, seed
        self.classes = model.output["exit_1"].shape[-1]
        self.seeds = mixing.KeyedSeeds()
        places = [model.inputs[0], *hidden_places(model)]
        ends = [*places[1:], model.output]
        self.sections = [
            keras.Model(*cut) for cut in zip(places, ends, strict=True)
        ]

    def __call__(self, images, labels):
        """Return the named outputs of a mixed batch, and its label shares.

        From images `(batch, height, width, channels)` and class indices
        `(batch,)`; the shares are `(batch, classes)`.
        """
        share, place = self.draw(self.model.optimizer.iterations)
        features = tf.cast(images, tf.float32)
        for number, section in enumerate(self.sections):
            features = mixed(features, share, chosen=place == number)
            features = section(features, training=True)
        shares = tf.one_hot(labels, self.classes)
        return features, mixed(shares, share, chosen=True)

    def draw(self, step) -> tuple[tf.Tensor, tf.Tensor]:
        """λ, float32, and the place, int32 from 0 (the image), of a step."""
        key = tf.stack(
            [tf.constant(self.seed, tf.int64), tf.cast(step, "int64")]
        )
        fold_in = tf.random.experimental.stateless_fold_in
        self.seeds.start(fold_in(key, MANIFOLD_STREAM))
        share = keras.random.beta((), self.alpha, self.alpha, seed=self.seeds)
        count = len(self.sections)
        return share, keras.random.randint((), 0, count, seed=self.seeds)


def hidden_places(model: keras.Model) -> list[keras.KerasTensor]:
    """Return the last feature map of each resolution but the final one."""
    last = model.get_layer(models.tap_names(model)[-1]).output
    chain = layer_graph.feature_maps(last)
    side = min(model.inputs[0].shape[1:3])
    numbers = layer_graph.before_each_halving(chain, side)
    return [chain[number].outputs[0] for number in numbers]


def mixed(values, share, *, chosen):
    """Mix each row of `(batch, ...)` with the next one, if `chosen`.

    λ x + (1 - λ) x' in float32, whatever x is in; `share` is λ in [0, 1].
    """

    def mix():
        wide = tf.cast(values, tf.float32)
        both = share * wide + (1 - share) * tf.roll(wide, -1, axis=0)
        return tf.cast(both, values.dtype)

    return tf.cond(tf.convert_to_tensor(chosen), mix, lambda: values)
