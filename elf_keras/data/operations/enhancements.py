"""Pillow's `ImageEnhance`: base + factor (image - base), by another base."""

import tensorflow as tf

BLENDS = ("brightness", "contrast", "color")
# Of ITU-R 601-2 in 65536ths, as Pillow turns colours to grey. What they sum
# up to is below 2^24, so exact in float32.
GREY = ((19595.0,), (38470.0,), (7471.0,))
WHOLE = 65536
# `ImageFilter.SMOOTH`: the sum of its weights, 1 but for the centre's 5.
SMOOTH = 13


def blended(
    images: tf.Tensor, blends: tf.Tensor, values: tf.Tensor
) -> tf.Tensor:
    """Away from black, from the mean grey value, from grey."""
    pixels = tf.cast(images, tf.float32)
    grey = _grey(pixels)
    mean = tf.floor(tf.reduce_mean(grey, axis=(1, 2, 3), keepdims=True) + 0.5)
    _, contrast, color = (
        (blends == place)[:, tf.newaxis, tf.newaxis, tf.newaxis]
        for place in range(len(BLENDS))
    )
    base = tf.where(color, grey, tf.where(contrast, mean, 0.0))
    return _enhanced(base, pixels, values)


def sharpened(
    images: tf.Tensor, operations: tf.Tensor, values: tf.Tensor
) -> tf.Tensor:
    """Away from the smoothed image; pixels at the border stay."""
    del operations
    if min(images.shape[1:3]) < 3:
        return images
    pixels = tf.cast(images, tf.float32)
    inner = pixels[:, 1:-1, 1:-1]
    rows = pixels[:, :-2] + pixels[:, 1:-1] + pixels[:, 2:]
    sums = rows[:, :, :-2] + rows[:, :, 1:-1] + rows[:, :, 2:] + 4 * inner
    change = tf.floor(sums / SMOOTH + 0.5) - inner
    smooth = pixels + tf.pad(change, [[0, 0], [1, 1], [1, 1], [0, 0]])
    return _enhanced(smooth, pixels, values)


def _enhanced(base, pixels, factors):
    factors = factors[:, tf.newaxis, tf.newaxis, tf.newaxis]
    return tf.saturate_cast(base + factors * (pixels - base), tf.uint8)


def _grey(pixels):
    """Rounded grey values, (batch, height, width, 1)."""
    _, height, width, channels = pixels.shape
    flat = tf.reshape(pixels, (-1, channels))
    grey = tf.floor((tf.matmul(flat, GREY) + WHOLE // 2) / WHOLE)
    return tf.reshape(grey, (-1, height, width, 1))
