"""Batches of images on disk, read side by side; one that fails is read again.

An error ends a `tf.data` dataset, and no operation of a graph can catch it.
So each batch is a small dataset of its own that drops what fails, and what is
missing from it is read once more by another rule.
"""

from collections.abc import Callable

import tensorflow as tf

from elf_keras import runs

# Batches that are read at a time: the next begins while one ends.
SIDE_BY_SIDE = 2


def of(
    spans: tf.data.Dataset,
    image_at: Callable[[tf.Tensor], tf.Tensor],
    again_at: Callable[[tf.Tensor], tf.Tensor],
    shape: tuple[int, int, int],
) -> tf.data.Dataset:
    """One batch for each of `spans`, its first place and the one behind it.

    Args:
      spans: dataset of pairs of int64; equal ones give an empty batch.
      image_at: place -> uint8 image of `shape`; may fail.
      again_at: the same for a place where it has failed.

    Returns:
      Dataset of (places int64 (batch,), images uint8 (batch, *shape)).
    """
    none = (tf.zeros((0,), tf.int64), tf.zeros((0, *shape), tf.uint8))

    def read(start, stop):
        whole = (
            tf.data.Dataset.range(start, stop)
            .map(
                lambda place: (place, image_at(place)),
                num_parallel_calls=runs.cores(),
                deterministic=True,
            )
            .ignore_errors()
            .batch(tf.maximum(stop - start, 1))
            .concatenate(tf.data.Dataset.from_tensors(none))
            .take(1)
        )
        return whole.map(lambda *found: _mended(start, stop, found, again_at))

    return spans.interleave(
        read,
        cycle_length=SIDE_BY_SIDE,
        num_parallel_calls=SIDE_BY_SIDE,
        deterministic=True,
    )


def _mended(start, stop, found, again_at):
    """All places of a span, and images where some may be missing."""
    places, images = found
    wanted = tf.range(start, stop)

    def mended():
        there = tf.scatter_nd(
            (places - start)[:, tf.newaxis],
            tf.range(1, tf.size(places) + 1),
            tf.shape(wanted, tf.int64),
        )
        return tf.map_fn(
            lambda row: tf.cond(
                there[row] > 0,
                lambda: images[there[row] - 1],
                lambda: again_at(start + row),
            ),
            wanted - start,
            fn_output_signature=tf.TensorSpec(images.shape[1:], tf.uint8),
        )

    whole = tf.size(places) == tf.size(wanted)
    return wanted, tf.cond(whole, lambda: images, mended)
