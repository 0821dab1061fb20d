"""How the EXIF tag of a JPEG file wants it turned, inside a graph.

The tag has number 0x0112, in the first directory of a TIFF structure within
the segment APP1 (EXIF 2.3, sections 4.5 and 4.6.4).
"""

import tensorflow as tf

# Cameras write the segment first, and its first directory at its beginning.
_HEAD = 2**16
_MOST_TAGS = 128
_TAG = 0x0112
_SEGMENT = {0: 0xFF, 1: 0xE1} | dict(enumerate(b"Exif\0\0", start=4))


def upright(image: tf.Tensor, content: tf.Tensor) -> tf.Tensor:
    """A decoded image, turned as its file asks, by the rule of `images.read`.

    Args:
      image: `(height, width, channels)`, of any size.
      content: bytes of the file, `()`; other formats than JPEG are not turned.
    """
    asked = orientation(content)

    def where(values, change):
        nonlocal image
        chosen = tf.reduce_any(asked == tf.constant(values))
        image = tf.cond(chosen, lambda: change(image), lambda: image)

    where([5, 6, 7, 8], lambda pixels: tf.transpose(pixels, [1, 0, 2]))
    where([2, 3, 6, 7], lambda pixels: tf.reverse(pixels, [1]))
    where([3, 4, 7, 8], lambda pixels: tf.reverse(pixels, [0]))
    return image


def orientation(content: tf.Tensor) -> tf.Tensor:
    """1 to 8 by the tag, int32; 1 (as it lies) without one that is sound."""
    head = tf.io.decode_raw(tf.strings.substr(content, 0, _HEAD), tf.uint8)
    # What lies beyond the end is read as 0.
    byte = tf.pad(tf.cast(head, tf.int64), [[0, 1]])
    last = tf.size(byte, tf.int64) - 1
    segment = _segment(byte)
    tiff = segment + 10
    little = tf.gather(byte, tf.minimum(tiff, last)) == ord("I")

    def number(at, length):
        parts = tf.range(length, dtype=tf.int64)
        places = tf.clip_by_value(at[..., tf.newaxis] + parts, 0, last)
        powers = tf.where(little, parts, parts[::-1])
        factors = tf.bitwise.left_shift(tf.ones_like(powers), 8 * powers)
        return tf.reduce_sum(tf.gather(byte, places) * factors, axis=-1)

    directory = tiff + number(tiff + 4, 4)
    places = tf.range(_MOST_TAGS, dtype=tf.int64)
    entries = directory + 2 + 12 * places
    found = (places < number(directory, 2)) & (number(entries, 2) == _TAG)
    values = tf.boolean_mask(number(entries + 8, 2), found)
    value = tf.concat([values, [1]], axis=0)[0]
    sound = (segment >= 0) & (value >= 1) & (value <= 8)
    return tf.cast(tf.where(sound, value, 1), tf.int32)


def _segment(byte):
    """Where the first EXIF segment of a JPEG file begins, or -1."""
    starts = tf.maximum(tf.size(byte) - max(_SEGMENT), 0)
    same = [byte[k : k + starts] == value for k, value in _SEGMENT.items()]
    places = tf.where(tf.reduce_all(tf.stack(same), axis=0))[:, 0]
    place = tf.concat([places, [-1]], axis=0)[0]
    jpeg = tf.reduce_all(byte[:2] == tf.constant([0xFF, 0xD8], tf.int64))
    return tf.where(jpeg, place, -1)
