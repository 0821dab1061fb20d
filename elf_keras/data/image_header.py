"""How many pixels a file holds, read off its header inside a graph.

A few kilobytes can decode to gigabytes: a decompression bomb. TensorFlow's
decoders refuse only from half a billion pixels on, Pillow from `MOST_PIXELS`.
"""

import tensorflow as tf

# Pillow's Image.MAX_IMAGE_PIXELS: a quarter of a GiB in RGB.
MOST_PIXELS = 2**30 // 4 // 3
JPEG, GIF = b"\xff\xd8\xff", b"GIF8"
_HEAD = 32


def bounded(content: tf.Tensor) -> tf.Tensor:
    """Return the bytes of a file, unless it holds too many pixels.

    Args:
      content: of a JPEG, PNG, BMP or WebP file, a string scalar; of
        another, the decoder will refuse it.

    Raises:
      InvalidArgumentError: when run, above `MOST_PIXELS`, or for a GIF:
        TensorFlow decodes all its pictures, whose sizes no header tells.
    """
    still = tf.debugging.Assert(
        tf.strings.substr(content, 0, len(GIF)) != GIF,
        ["a GIF image came; expected JPEG, PNG, BMP or WebP"],
    )
    counted = tf.cond(
        tf.strings.substr(content, 0, len(JPEG)) == JPEG,
        lambda: pixels_of(tf.io.extract_jpeg_shape(content)),
        lambda: _pixels(content),
    )
    with tf.control_dependencies([still, refuse_above(counted)]):
        return tf.identity(content)


def pixels_of(shape: tf.Tensor) -> tf.Tensor:
    """Return height times width of a shape, int64."""
    return tf.reduce_prod(tf.cast(shape[:2], tf.int64))


def refuse_above(pixels: tf.Tensor) -> tf.Operation:
    """Return a check that fails above `MOST_PIXELS`."""
    told = f"an image of too many pixels came; expected {MOST_PIXELS} at most:"
    return tf.debugging.Assert(pixels <= MOST_PIXELS, [told, pixels])


def _pixels(content):
    """Width times height by the header; 0 for a format that is not known."""
    short = tf.strings.substr(content, 0, _HEAD)
    head = tf.strings.substr(short + b"\0" * _HEAD, 0, _HEAD)
    byte = tf.cast(tf.io.decode_raw(head, tf.uint8), tf.int64)

    def little(start, size):
        return sum(byte[start + place] * 256**place for place in range(size))

    def big(start):
        return sum(
            byte[start + place] * 256 ** (3 - place) for place in range(4)
        )

    def starts(start, letters):
        found = byte[start : start + len(letters)]
        return tf.reduce_all(found == list(letters))

    # BMP counts rows from the top by a negative height.
    rows = tf.minimum(little(22, 4), 2**32 - little(22, 4))
    webp, sides = starts(8, b"WEBP"), little(21, 4)
    known = [
        (starts(0, b"\x89PNG"), big(16) * big(20)),
        (starts(0, b"BM"), little(18, 4) * rows),
        (
            webp & starts(12, b"VP8X"),
            (little(24, 3) + 1) * (little(27, 3) + 1),
        ),
        # Sides of 14 bits.
        (
            webp & starts(12, b"VP8L"),
            (sides % 2**14 + 1) * (sides // 2**14 % 2**14 + 1),
        ),
        (
            webp & starts(12, b"VP8 "),
            (little(26, 2) % 2**14) * (little(28, 2) % 2**14),
        ),
    ]
    # Written so that a product beyond 64 bits is no small number.
    return sum(
        tf.where(fits, tf.where(count < 0, 2**62, count), 0)
        for fits, count in known
    )
