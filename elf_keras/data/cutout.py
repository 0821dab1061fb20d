"""Cutout: a square hole in each training image, filled with the mean pixel.

DeVries and Taylor 2017, *Improved Regularization of Convolutional Neural
Networks with Cutout*, section 3.2: its centre is any pixel, so a part of it
may lie beyond the edge; 16 pixels on CIFAR-10, 8 on CIFAR-100. Their code
fills with 0 after the mean was subtracted, which is the mean pixel.
"""

import dataclasses

import tensorflow as tf


@dataclasses.dataclass(frozen=True)
class Cutout:
    """The hole and what fills it."""

    size: int  # of the hole's side, in pixels
    pixel: tuple[int, ...]  # the mean one, a value of 0 to 255 per channel

    # The row and the column of the centre.
    numbers = 2

    def changed(self, images: tf.Tensor, numbers: tf.Tensor) -> tf.Tensor:
        """Cut uint8 (batch, height, width, channels) by numbers (batch, 2)."""
        _, height, width, channels = images.shape
        rows = self._inside(numbers[:, 0], height)[:, :, tf.newaxis]
        columns = self._inside(numbers[:, 1], width)[:, tf.newaxis, :]
        hole = (rows & columns)[..., tf.newaxis]
        pixel = tf.reshape(tf.constant(self.pixel, tf.uint8), (1, 1, 1, -1))
        return tf.where(hole, pixel, images)

    def _inside(self, numbers, length):
        """Which of some rows, or columns, lie in each hole: (batch, length)."""
        centre = tf.floor(numbers * length)[:, tf.newaxis]
        first = tf.cast(centre, tf.int32) - self.size // 2
        places = tf.range(length)
        return (first <= places) & (places < first + self.size)
