"""From one image file to one square uint8 image, as TensorFlow operations.

JPEG files are cut before they are decoded, and decoded at half, a quarter or
an eighth of their size where that is enough. Training takes a random window
(Szegedy et al. 2015, *Going deeper with convolutions*, section 6), evaluation
the centre. What only Pillow reads by our rules (see `images`) takes its way.
"""

import math
import os
from collections.abc import Callable

import numpy as np
import tensorflow as tf

from elf_keras.data import augment, file_batches, image_header, images

RATIOS = (1, 2, 4, 8)


def _upright(path: bytes, least: int) -> np.ndarray:
    return images.upright(os.fsdecode(path), least)


def sources(files) -> Callable[[tf.Tensor], tuple]:
    """Return index -> (path, whether it is special), held on the host.

    The second is None where no file is: a branch costs as much as a crop.
    """
    with tf.device("CPU:0"):
        # Names need not be UTF-8, and need not be text in a graph.
        root = tf.constant(os.fsencode(f"{files.root}/"))
        paths = root + tf.constant([os.fsencode(n) for n in files.names])
        special = tf.constant(files.special, tf.bool)
    if files.special.any():
        return lambda number: (paths[number], special[number])
    return lambda number: (paths[number], None)


def again(source: Callable) -> Callable[[tf.Tensor], tuple]:
    """Return the same of what TensorFlow failed to decode: all special."""
    return lambda number: (source(number)[0], True)


def batches(files, batch_size: int) -> tf.data.Dataset:
    """All `ImageFiles` in order, as evaluation sees them.

    Returns:
      Dataset of uint8 (batch, size, size, 3); the last may be partial.
    """

    def reader(source):
        return lambda number: evaluation_image(
            *source(number),
            size=files.size,
            kept=files.kept,
            whole=files.damaged.upright,
        )

    source, count = sources(files), len(files)
    spans = tf.data.Dataset.range(0, count, batch_size).map(
        lambda start: (start, tf.minimum(start + batch_size, count))
    )
    options = tf.data.Options()
    options.autotune.enabled = False
    return (
        file_batches.of(
            spans, reader(source), reader(again(source)), files.shape[1:]
        )
        .map(lambda _, images: images)
        .with_options(options)
    )


def evaluation_image(
    path: tf.Tensor,
    special: tf.Tensor | bool | None,
    *,
    size: int,
    kept: float,
    whole: Callable[[bytes, int], np.ndarray] = _upright,
) -> tf.Tensor:
    """The centre square of `kept` times the shorter side, antialiased.

    `kept` = 224/256 is what the papers call resizing the shorter side to
    256 and cropping 224; 1 is the rule of `images.read`. Where `special`
    is true, `whole` reads it, by Pillow. Returns uint8 (size, size, 3).
    """

    def centre(height, width):
        shorter = tf.cast(tf.minimum(height, width), tf.float32)
        side = tf.maximum(tf.cast(tf.round(kept * shorter), tf.int32), 1)
        return tf.stack([(height - side) // 2, (width - side) // 2, side, side])

    # Twice the need is decoded, as `images.read` does.
    cut = _cut(path, special, centre, 2 * size, whole, kept)
    resized = tf.image.resize(cut, (size, size), antialias=True)
    return tf.ensure_shape(_rounded(resized), (size, size, 3))


def training_image(
    path: tf.Tensor,
    special: tf.Tensor | bool | None,
    numbers: tf.Tensor,
    *,
    size: int,
    rule: augment.Augmentation = augment.NOTHING,
    whole: Callable[[bytes, int], np.ndarray] = _upright,
) -> tf.Tensor:
    """A window by `augment.window`, in its colours, uint8 (size, size, 3)."""

    def window(height, width):
        return augment.window(height, width, numbers, rule.smallest_area)

    # Shrinks by less than 2 where files are JPEG: hardly any aliasing, at a
    # third of the time of an antialiased filter.
    smallest = augment.smallest_side(rule.smallest_area)
    cut = _cut(path, special, window, size, whole, smallest)
    resized = tf.image.resize(cut, (size, size))
    resized = tf.ensure_shape(resized, (size, size, 3))
    if rule.jitter:
        # Before it is rounded: once is enough.
        rows = resized[tf.newaxis], numbers[tf.newaxis, -3:]
        return augment.jittered(*rows, strength=rule.jitter)[0]
    return _rounded(resized)


def _cut(path, special, window, need, whole, smallest):
    """Pixels of the window [top, left, height, width] that is asked for.

    Its sides are at least `smallest` times the image's shorter one.
    """
    least = math.ceil(need / smallest)

    def by_tensorflow():
        contents = tf.io.read_file(path)
        return tf.cond(
            tf.strings.substr(contents, 0, len(image_header.JPEG))
            == image_header.JPEG,
            lambda: _cut_jpeg(contents, window, need),
            lambda: _slice(
                tf.io.decode_image(
                    image_header.bounded(contents),
                    channels=3,
                    expand_animations=False,
                ),
                window,
                need,
            ),
        )

    def by_pillow():
        pixels = tf.numpy_function(
            lambda path: whole(path, least), [path], tf.uint8, stateful=False
        )
        pixels.set_shape((None, None, 3))
        return _slice(pixels, window, need)

    if special is None:
        return by_tensorflow()
    if special is True:
        return by_pillow()
    return tf.cond(special, by_pillow, by_tensorflow)


def _cut_jpeg(contents, window, need):
    shape = tf.io.extract_jpeg_shape(contents)
    check = image_header.refuse_above(image_header.pixels_of(shape))
    with tf.control_dependencies([check]):
        contents = tf.identity(contents)
    place = window(shape[0], shape[1])
    spare = tf.minimum(place[2], place[3]) // need
    steps = [tf.cast(spare >= ratio, tf.int32) for ratio in RATIOS[1:]]

    def decoded(ratio):
        scaled = tf.maximum(place // ratio, [0, 0, 1, 1])
        return tf.io.decode_and_crop_jpeg(
            contents,
            scaled,
            channels=3,
            ratio=ratio,
            # As Pillow decodes.
            dct_method="INTEGER_ACCURATE",
        )

    return tf.switch_case(
        tf.add_n(steps),
        [lambda ratio=ratio: decoded(ratio) for ratio in RATIOS],
    )


def _slice(image, window, need):
    image.set_shape((None, None, 3))
    shape = tf.shape(image)
    top, left, height, width = tf.unstack(window(shape[0], shape[1]))
    found = image[top : top + height, left : left + width]
    ratio = tf.maximum(tf.minimum(height, width) // need, 1)

    def shrunk():
        smaller = tf.stack([height // ratio, width // ratio])
        return _rounded(tf.image.resize(found, smaller, method="area"))

    # What JPEG files get from their decoder.
    return tf.cond(ratio > 1, shrunk, lambda: found)


def _rounded(image):
    return tf.cast(image + 0.5, tf.uint8)
