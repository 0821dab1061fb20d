"""Each value of a channel becomes another one, wherever it is."""

import tensorflow as tf

INVERSIONS = ("invert", "solarize", "posterize")
SPREADS = ("autocontrast", "equalize")
VALUES = 256


def inverted(
    images: tf.Tensor, inversions: tf.Tensor, values: tf.Tensor
) -> tf.Tensor:
    """Invert all, or from a value on, or keep the highest bits alone."""
    invert, solarize, posterize = (
        inversions == place for place in range(len(INVERSIONS))
    )
    first = tf.where(solarize, tf.math.ceil(values), 0.0)
    flipping = invert | (solarize & (first < VALUES))
    kept = VALUES - 2 ** (8 - tf.where(posterize, values, 8.0))
    first, flips, kept = (
        tf.cast(each, tf.uint8)[:, tf.newaxis, tf.newaxis, tf.newaxis]
        for each in (tf.minimum(first, VALUES - 1), flipping, kept)
    )
    # 255 - v has the other bits.
    flips = tf.cast(images >= first, tf.uint8) * (flips * (VALUES - 1))
    return (images ^ flips) & kept


def spread(
    images: tf.Tensor, spreads: tf.Tensor, values: tf.Tensor
) -> tf.Tensor:
    """Stretch each channel to 0 ... 255, or equalize its histogram."""
    del values
    _, height, width, channels = images.shape
    # The values of one channel are counted after those of another.
    numbers = tf.cast(images, tf.int32) + VALUES * tf.range(channels)
    numbers = tf.reshape(numbers, (-1, height * width * channels))
    counts = tf.raw_ops.DenseBincount(
        input=numbers,
        size=VALUES * channels,
        weights=tf.zeros((0,), tf.int32),
        binary_output=False,
    )
    counts = tf.reshape(counts, (-1, channels, VALUES))
    tables = tf.where(
        (spreads == SPREADS.index("equalize"))[:, tf.newaxis, tf.newaxis],
        _equalizing(counts, height * width),
        _stretching(counts),
    )
    tables = tf.cast(tf.clip_by_value(tables, 0, VALUES - 1), tf.uint8)
    order = tf.range(tf.shape(numbers)[0])[:, tf.newaxis]
    numbers += VALUES * channels * order
    found = tf.gather(tf.reshape(tables, (-1,)), numbers)
    return tf.reshape(found, tf.shape(images))


def _stretching(counts):
    """255 (v - low) / (high - low), rounded down from float64 as in Pillow."""
    low, high = (end[..., tf.newaxis] for end in _ends(counts))
    scale = (VALUES - 1) / tf.cast(tf.maximum(high - low, 1), tf.float64)
    offset = -tf.cast(low, tf.float64) * scale
    table = tf.range(VALUES, dtype=tf.float64) * scale + offset
    return tf.where(high > low, tf.cast(table, tf.int32), tf.range(VALUES))


def _equalizing(counts, pixels):
    """(step / 2 + pixels below v) / step, all rounded down.

    A step is a 255th of all pixels but those of the highest value.
    """
    _, high = _ends(counts)
    last = tf.gather(counts, high, axis=2, batch_dims=2)[..., tf.newaxis]
    step = (pixels - last) // (VALUES - 1)
    below = tf.cumsum(counts, axis=2, exclusive=True)
    table = (step // 2 + below) // tf.maximum(step, 1)
    return tf.where(step > 0, table, tf.range(VALUES))


def _ends(counts):
    """The smallest and the largest value that occurs, (batch, channels)."""
    occurs = tf.cast(counts > 0, tf.int32)
    low = tf.argmax(occurs, axis=2, output_type=tf.int32)
    high = tf.argmax(occurs[..., ::-1], axis=2, output_type=tf.int32)
    return low, VALUES - 1 - high
