"""BBN: two branches, one for the data as it is, one for its reverse.

Zhou et al. 2020, *BBN: Bilateral-Branch Network with Cumulative Learning for
Long-Tailed Visual Recognition*. All blocks but the last are shared; the last
is there twice, and one classifier reads both.
"""

import keras
import tensorflow as tf
from keras import layers

from elf_keras.errors import InputError
from elf_keras.models import backbones, multi_exit
from elf_keras.models.backbones.tapped import Pixels
from elf_keras.models.exit_heads import classify
from elf_keras.models.multi_exit_model import MultiExitModel

REBALANCING = "rebalancing_block"
BOTH = "both_branches"


def build(
    image_shape: tuple[int, int, int],
    classes: int,
    *,
    backbone: str | keras.Model = "resnet32",
    cosine: bool = False,
    pixels: Pixels | None = None,
) -> MultiExitModel:
    """Build a two-branch classifier with the single output `exit_1`.

    z = W [f_c, f_r] + b: the classifier reads both branches' features of
    the same image, which is 2 (α W_c f_c + (1 - α) W_r f_r) + b at α = 1/2.

    Raises:
      InputError: for a backbone whose last block cannot be doubled.

    Reference: Zhou et al. 2020, sections 4.1 and 4.4; as in their code the
    features are concatenated, and weighted by 2 α and 2 (1 - α).
    """
    name = backbones.told(backbone)
    image, tapped = multi_exit.on_pixels(image_shape, backbone, pixels)
    if tapped.twin_block is None:
        raise InputError(
            f"--method=bbn doubles the last block of a ResNet; {name} has "
            "none that it knows: set --backbone=resnet32 or resnet50"
        )
    branches = [tapped.features, tapped.twin_block(REBALANCING)]
    features = layers.Concatenate(name=BOTH)(branches)
    logits = classify(features, classes, name="exit_1", cosine=cosine)
    return MultiExitModel(image, {"exit_1": logits}, name=f"bbn_{name}")


class BilateralPass:
    """The training pass: each branch sees images of its own sampling.

    z = W [2 α f_c, 2 (1 - α) f_r] + b with f_c of an image x_c as sampled
    and f_r of an image x_r drawn by reversed frequency; the labels are the
    shares α y_c + (1 - α) y_r, so that the loss is α ℓ(z, y_c) +
    (1 - α) ℓ(z, y_r). The shared blocks see the two batches one after the
    other, each with its own batch statistics.

    Attributes:
      share: variable α in [0, 1], 1 at first; see
        `schedules.cumulative_share`.

    Reference: Zhou et al. 2020, Eq. 1 to 3 and section 4.3.
    """

    def __init__(self, model: keras.Model):
        self.branches = [
            keras.Model(model.inputs[0], features)
            for features in model.get_layer(BOTH).input
        ]
        self.pool = model.get_layer("exit_1_pool")
        self.classifier = model.get_layer("exit_1")
        self.share = keras.Variable(1.0, dtype="float32", trainable=False)

    def __call__(self, images, labels):
        """Return the outputs of a batch of pairs, and its label shares.

        Args:
          images: `(batch, 2, height, width, channels)`, as sampled and drawn
            by reversed frequency.
          labels: class indices, `(batch, 2)`.

        Returns:
          Named outputs and float32 `(batch, classes)`.
        """
        shares = tf.stack([self.share.value, 1 - self.share.value])
        features = [
            2 * share * tf.cast(branch(part, training=True), tf.float32)
            for share, branch, part in zip(
                tf.unstack(shares),
                self.branches,
                tf.unstack(images, axis=1),
                strict=True,
            )
        ]
        logits = self.classifier(self.pool(tf.concat(features, axis=-1)))
        rows = tf.one_hot(labels, logits.shape[-1])
        labels = tf.tensordot(rows, shares, [[1], [0]])
        return {"exit_1": logits}, labels
