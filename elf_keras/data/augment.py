"""Crop and flip for small images, on whole uint8 batches.

The draws come from one table per epoch, so what happens to an image depends
on (seed, epoch, example) and never on the batch or the number of replicas.
Reference: *Deep Residual Learning*, section 4.2 (CIFAR).
"""

import dataclasses

import tensorflow as tf

DRAWS_STREAM = 1


@dataclasses.dataclass(frozen=True)
class Augmentation:
    """Zero padding in pixels before a random crop; whether to flip too."""

    padding: int = 4
    flip: bool = True


def draw(
    augmentation: Augmentation, examples: int, *, seed: int, epoch: tf.Tensor
) -> tf.Tensor:
    """One epoch's table of draws.

    Args:
      augmentation: what may happen.
      examples: rows of the table.
      seed: of the run.
      epoch: scalar, from 0.

    Returns:
      int32 (examples, 3): top and left of the crop in the padded image,
      0 ... 2 * padding, and 1 where the image is mirrored.
    """
    # Another stream than the order's, which has the bare (seed, epoch).
    key = tf.random.experimental.stateless_fold_in(
        tf.stack([tf.cast(seed, tf.int64), tf.cast(epoch, tf.int64)]),
        DRAWS_STREAM,
    )
    highest = [2 * augmentation.padding, 2 * augmentation.padding]
    limits = tf.constant([*highest, int(augmentation.flip)]) + 1
    uniform = tf.random.stateless_uniform((examples, 3), key)
    return tf.cast(uniform * tf.cast(limits, tf.float32), tf.int32)


def crop_and_flip(
    images: tf.Tensor, draws: tf.Tensor, *, padding: int
) -> tf.Tensor:
    """Pad with zeros, crop back to size, mirror left to right.

    Args:
      images: uint8 (batch, height, width, channels), static but batch.
      draws: int32 (batch, 3), see `draw`.
      padding: pixels on every side.

    Returns:
      uint8, shape of `images`.
    """
    _, height, width, channels = images.shape
    border = [padding, padding]
    padded = tf.pad(images, [[0, 0], border, border, [0, 0]])
    top, left, mirror = tf.unstack(draws[..., tf.newaxis], axis=1)
    rows = top + tf.range(height)
    across = tf.range(width)
    columns = left + tf.where(mirror == 1, across[::-1], across)
    pixels = rows[:, :, tf.newaxis] * (width + 2 * padding)
    pixels = pixels + columns[:, tf.newaxis, :]
    flat = tf.reshape(
        padded, (-1, (height + 2 * padding) * (width + 2 * padding), channels)
    )
    return tf.gather(flat, pixels, axis=1, batch_dims=1)
