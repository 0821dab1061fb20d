"""Shear, translate, rotate: one affine map for each image, nearest pixels."""

import math

import tensorflow as tf

MOVES = ("shear_x", "shear_y", "translate_x", "translate_y", "rotate")
# Grey where the image moved away: of RandAugment's code, and of the port of
# AutoAugment that most work on long tails trains with (the authors: black).
GROUND = 128.0


def moved(images: tf.Tensor, moves: tf.Tensor, values: tf.Tensor) -> tf.Tensor:
    """Move each image, by `moves`' places in `MOVES` and its value.

    Shears are about the top left corner, rotations about the centre.
    """
    height, width = images.shape[1:3]
    return tf.raw_ops.ImageProjectiveTransformV3(
        images=images,
        transforms=_maps(moves, values, height, width),
        output_shape=(height, width),
        fill_value=GROUND,
        interpolation="NEAREST",
        fill_mode="CONSTANT",
    )


def _maps(moves, values, height, width):
    """Where pixels come from: rows a, b, c, d, e, f, 0, 0.

    Pixel (x, y) is the old one nearest to (a x + b y + c, d x + e y + f).
    """
    shear_x, shear_y, left, up, angle = (
        tf.where(moves == place, values, 0.0) for place in range(len(MOVES))
    )
    angle *= math.pi / 180
    cos, sin = tf.cos(angle), tf.sin(angle)
    x, y = width / 2, height / 2
    a, b, c = cos, shear_x - sin, x - cos * x + sin * y + left * width
    d, e, f = shear_y + sin, cos, y - sin * x - cos * y + up * height
    # Centres of pixels lie at halves in Pillow, here at whole numbers.
    c, f = c + (a + b - 1) / 2, f + (d + e - 1) / 2
    none = tf.zeros_like(values)
    return tf.stack([a, b, c, d, e, f, none, none], axis=1)
