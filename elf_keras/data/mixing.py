"""MixUp and CutMix of `keras.layers`, on whole batches.

These layers keep the state of their random numbers in a variable: a resumed
run, or two workers of `tf.data`, would draw others. Here every draw comes
from a key instead, so what a batch meets depends on (seed, epoch, step).
References: Zhang et al. 2018, *mixup*; Yun et al. 2019, *CutMix*. The authors'
code of both has one λ a batch; the layers have one an image.
"""

import dataclasses

import keras
import tensorflow as tf

# Beta(1, 1): the pasted share is uniform, as in the paper.
CUTMIX_ALPHA = 1.0


@dataclasses.dataclass(frozen=True)
class Mixing:
    """What happens to whole batches."""

    kind: str  # a key of `MIXINGS`
    classes: int  # number of classes C, of the labels' shares
    alpha: float = 0.2  # of MixUp's Beta(α, α), in (0, 1]
    share_of: str = "image"  # λ is drawn for each image, or once a `batch`


def _mixup(rule: Mixing) -> keras.Layer:
    return keras.layers.MixUp(alpha=rule.alpha, dtype="float32")


def _cutmix(rule: Mixing) -> keras.Layer:
    # A single factor would be the end of a range that α is drawn from.
    bounds = (CUTMIX_ALPHA, CUTMIX_ALPHA)
    return keras.layers.CutMix(factor=bounds, dtype="float32")


MIXINGS = {"mixup": _mixup, "cutmix": _cutmix}


class KeyedSeeds(keras.random.SeedGenerator):
    """Seeds folded into a key: the n-th draw of a batch depends on it alone."""

    def __init__(self):
        super().__init__(0)
        self.key, self.draws = None, 0

    def start(self, key: tf.Tensor) -> None:
        """Begin the draws of one batch."""
        self.key, self.draws = key, 0

    def next(self, ordered=True):
        """Return the next seed, int32 (2,)."""
        self.draws += 1
        return tf.cast(
            tf.random.experimental.stateless_fold_in(self.key, self.draws),
            tf.int32,
        )


def mixer(rule: Mixing):
    """Build the function from (images, labels, key) to a mixed batch.

    Returns:
      A function of uint8 (batch, height, width, channels), int (batch,) and
      an int (2,) key. It returns uint8 images, and as labels float32 (batch,
      classes), shares of at most two classes that sum to 1.
    """
    mix, seeds = MIXINGS[rule.kind](rule), KeyedSeeds()
    mix.generator = seeds

    def apply(images, labels, key):
        seeds.start(key)
        pixels = tf.cast(images, tf.float32)
        drawn = mix.get_random_transformation(pixels)
        drawn = _with_shares(drawn, one_for_all=rule.share_of == "batch")
        pixels = mix.transform_images(pixels, drawn)
        shares = tf.one_hot(labels, rule.classes)
        shares = mix.transform_labels(shares, drawn)
        rounded = tf.saturate_cast(pixels + 0.5, tf.uint8)
        return tf.ensure_shape(rounded, images.shape), shares

    return apply


def _with_shares(drawn, *, one_for_all):
    """Draws of a layer with λ, or λ and the box, of the first image for all.

    A box's λ is the share of the pixels that it leaves. The layer's own is
    that of the area, whose sides are no whole numbers.
    """
    drawn = dict(drawn)
    names = [name for name in drawn if name != "permutation_order"]
    if one_for_all:
        for name in names:
            drawn[name] = tf.broadcast_to(
                drawn[name][:1], tf.shape(drawn[name])
            )
    if "batch_masks" in drawn:
        pasted = tf.cast(drawn["batch_masks"][..., 0], tf.float32)
        drawn["mix_weight"] = 1 - tf.reduce_mean(pasted, axis=(1, 2))
    return drawn
