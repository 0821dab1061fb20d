"""Encoded files to a model's pixels, inside a TensorFlow graph."""

import tensorflow as tf

from elf_keras.data import image_header
from elf_keras.deploy import orientation

# Luma of red, green and blue: ITU-R BT.601.
_GREY = [[0.299], [0.587], [0.114]]
# How they begin: where, and with what. TensorFlow would decode more, such as
# JPEG XL, whose headers nobody here reads: a few bytes could be gigabytes.
_BEGIN = ((0, b"\xff\xd8\xff"), (0, b"\x89PNG"), (0, b"BM"), (8, b"WEBP"))
_HEAD = 12
_UNKNOWN = (
    "image_bytes is no JPEG, PNG, BMP or WebP file; expected one whole file "
    "for each image; the first that is none, and its bytes:"
)
# A decoder that fails tells no more than its own name: this one.
_SCOPE = "expected_a_whole_JPEG_PNG_BMP_or_WebP_file"


def decode_all(contents, shape, kept=1.0):
    """Decode files, `(batch,)`, to pixels, `(batch, …)`, by `decode`.

    Raises:
      InvalidArgumentError: when run, for bytes that are no whole file of an
        accepted format; the message names these.
    """
    return tf.map_fn(
        lambda content: decode(content, shape, kept),
        _of_known_formats(contents),
        fn_output_signature=tf.TensorSpec(shape),
    )


def decode(content, shape, kept=1.0):
    """Decode a JPEG, PNG, BMP or WebP file to pixels of the model's shape.

    Upright, centre square of `kept` times the shorter side, antialiased
    bilinear, whole pixel values as float32.
    """
    height, width, channels = shape
    # As RGB whatever is asked: grey is refused from BMP and WebP.
    with tf.name_scope(_SCOPE):
        content = image_header.bounded(content)
        image = tf.io.decode_image(content, 3, expand_animations=False)
    image = tf.ensure_shape(image, (None, None, 3))
    image = orientation.upright(image, content)
    if channels == 1:
        image = tf.tensordot(tf.cast(image, tf.float32), _GREY, 1)
    size = tf.shape(image)[:2]
    side = tf.cast(tf.reduce_min(size), tf.float32)
    side = tf.maximum(tf.cast(tf.round(kept * side), tf.int32), 1)
    corner = tf.cast((size - side) // 2, tf.float32)
    scale = tf.constant([height, width], tf.float32) / tf.cast(side, tf.float32)
    # Pixels beside the square take part at its edge, as in data/images.py.
    resized = tf.raw_ops.ScaleAndTranslate(
        images=image[None],
        size=(height, width),
        scale=scale,
        translation=-corner * scale,
        kernel_type="triangle",
        antialias=True,
    )[0]
    pixels = tf.clip_by_value(tf.floor(resized + 0.5), 0, 255)
    return tf.ensure_shape(pixels, shape)


def _of_known_formats(contents):
    """Return the files, to be read only where each begins as it should."""
    head = tf.strings.substr(contents, 0, _HEAD) + b"\0" * _HEAD
    begins = [
        tf.strings.substr(head, start, len(letters)) == letters
        for start, letters in _BEGIN
    ]
    unknown = tf.logical_not(tf.reduce_any(tf.stack(begins), axis=0))
    first = tf.argmax(tf.cast(unknown, tf.int32))
    told = [_UNKNOWN, first, tf.strings.length(contents)[first]]
    check = tf.debugging.Assert(tf.logical_not(tf.reduce_any(unknown)), told)
    with tf.control_dependencies([check]):
        return tf.identity(contents)
