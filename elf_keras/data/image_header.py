"""How many pixels a file holds, read off its header inside a graph.

A few kilobytes can decode to gigabytes: a decompression bomb. TensorFlow's
decoders refuse only from half a billion pixels on, Pillow from `MOST_PIXELS`.
"""

import tensorflow as tf

# Pillow's Image.MAX_IMAGE_PIXELS: a quarter of a GiB in RGB.
MOST_PIXELS = 2**30 // 4 // 3
JPEG = b"\xff\xd8\xff"
# What TensorFlow decodes, too, by how it begins: of a GIF all pictures, whose
# sizes no header tells; JPEG XL, which Pillow does not read, has two forms.
REFUSED = {
    b"GIF8": "GIF",
    b"\xff\x0a": "JPEG XL",
    b"\0\0\0\x0cJXL ": "JPEG XL",
}
_HEAD = 32


def bounded(content: tf.Tensor) -> tf.Tensor:
    """Return a file's bytes, unless JPEG, PNG, BMP or WebP of too many pixels.

    Raises:
      InvalidArgumentError: when run, above `MOST_PIXELS`, or for what is
        `REFUSED`.
    """
    checks = [
        tf.debugging.Assert(
            tf.strings.substr(content, 0, len(begins)) != begins,
            [f"a {name} image came; expected JPEG, PNG, BMP or WebP"],
        )
        for begins, name in REFUSED.items()
    ]
    counted = tf.cond(
        tf.strings.substr(content, 0, len(JPEG)) == JPEG,
        lambda: pixels_of(tf.io.extract_jpeg_shape(content)),
        lambda: _pixels(content),
    )
    with tf.control_dependencies([*checks, refuse_above(counted)]):
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

    def number(*places):
        return sum(byte[place] * 256**n for n, place in enumerate(places))

    # BMP counts rows from the top by a negative height.
    rows = number(22, 23, 24, 25)
    rows = tf.minimum(rows, 2**32 - rows)
    # WebP's sides have 14 bits, those of its extended form 24.
    sides = number(21, 22, 23, 24)
    wide, tall = number(26, 27) % 2**14, number(28, 29) % 2**14
    known = [
        (0, b"\x89PNG", number(19, 18, 17, 16) * number(23, 22, 21, 20)),
        (0, b"BM", number(18, 19, 20, 21) * rows),
        (8, b"WEBPVP8 ", wide * tall),
        (8, b"WEBPVP8L", (sides % 2**14 + 1) * (sides // 2**14 % 2**14 + 1)),
        (8, b"WEBPVP8X", (number(24, 25, 26) + 1) * (number(27, 28, 29) + 1)),
    ]
    # Written so that a product beyond 64 bits is no small number.
    return sum(
        tf.where(
            tf.strings.substr(head, start, len(letters)) == letters,
            tf.where(count < 0, 2**62, count),
            0,
        )
        for start, letters, count in known
    )
