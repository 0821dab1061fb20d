"""Encoded files to a model's pixels, inside a TensorFlow graph."""

import tensorflow as tf

from elf_keras.data import image_header
from elf_keras.deploy import orientation

# Luma of red, green and blue: ITU-R BT.601.
_GREY = [[0.299], [0.587], [0.114]]


def decode(content, shape, kept=1.0):
    """Decode a JPEG, PNG, BMP or WebP file to pixels of the model's shape.

    Upright, centre square of `kept` times the shorter side, antialiased
    bilinear, whole pixel values as float32.
    """
    height, width, channels = shape
    # As RGB whatever is asked: grey is refused from BMP and WebP.
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
