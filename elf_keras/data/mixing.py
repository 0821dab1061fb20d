"""MixUp, CutMix and RandAugment of `keras.layers`, on whole batches.

These layers keep the state of their random numbers in a variable: a resumed
run, or two workers of `tf.data`, would draw others. Here every draw comes
from a key instead, so what a batch meets depends on (seed, epoch, step).
References: Zhang et al. 2018, *mixup*; Yun et al. 2019, *CutMix*; Cubuk et
al. 2020, *RandAugment*.
"""

import dataclasses

import keras
import tensorflow as tf

PIXELS = (0, 255)
# Beta(1, 1): the pasted share is uniform, as in the paper.
CUTMIX_ALPHA = 1.0


@dataclasses.dataclass(frozen=True)
class Mixing:
    """What happens to whole batches."""

    kind: str = "none"  # or a key of `MIXINGS`
    classes: int = 0  # number of classes C, of the labels' shares
    alpha: float = 0.2  # of MixUp's Beta(α, α), in (0, 1]
    # Two random operations before mixing, the same for a batch.
    randaugment: bool = False


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
      an int (2,) key. It returns uint8 images, and labels: as they came, or
      float32 (batch, classes), shares of at most two classes.
    """
    seeds = KeyedSeeds()
    augment, mix = None, None
    if rule.randaugment:
        augment = keras.layers.RandAugment(PIXELS, dtype="float32")
        augment.generator = seeds
    if rule.kind != "none":
        mix = MIXINGS[rule.kind](rule)
        mix.generator = seeds

    def apply(images, labels, key):
        seeds.start(key)
        shape, pixels = images.shape, tf.cast(images, tf.float32)
        if augment:
            pixels = augment(pixels)
        if mix:
            labels = tf.one_hot(labels, rule.classes)
            mixed = mix({"images": pixels, "labels": labels})
            pixels, labels = mixed["images"], mixed["labels"]
        rounded = tf.saturate_cast(pixels + 0.5, tf.uint8)
        return tf.ensure_shape(rounded, shape), labels

    return apply
