"""Crops, flips and colours, as functions of draws that are made elsewhere.

What happens to an image depends on (seed, epoch, example), never on the
batch or the number of replicas. References: *Deep Residual Learning*, section
4.2 (crops after padding); *Going deeper with convolutions*, section 6
(windows of the area); *Large-Scale Long-Tailed Recognition in an Open World*
(colours, 0.4 each, for ImageNet-LT).
"""

import dataclasses
import math

import tensorflow as tf

DRAWS_STREAM = 1
NUMBERS_STREAM = 2
SMALLEST_AREA = 0.08
LARGEST_RATIO = 4 / 3
# Windows that are tried before the largest one that fits is taken.
TRIES = 10
# Numbers of an image: area and ratio of each try; the place of its window or
# crop, whether it is mirrored, three colours.
NUMBERS = 2 * TRIES + 6
PLACE = slice(2 * TRIES, 2 * TRIES + 2)
GREY = (0.299, 0.587, 0.114)


@dataclasses.dataclass(frozen=True)
class Augmentation:
    """What may happen to a training image."""

    padding: int = 4  # pixels of zeros, before a random crop back to size
    flip: bool = True  # mirror half of the images
    resized: bool = False  # instead of a crop, a `window`, resized
    # Most that brightness, contrast and saturation change by, as a share.
    jitter: float = 0.0
    mixing: object | None = None  # then of whole batches, a `mixing.Mixing`
    smallest_area: float = SMALLEST_AREA  # of a window, as a share
    each_image: tuple = ()  # then of each image, rules of `each_image`


NOTHING = Augmentation(padding=0, flip=False)


def draw(
    augmentation: Augmentation, examples: int, *, seed: int, epoch: tf.Tensor
) -> tf.Tensor:
    """One epoch's table of draws, int32 (examples, 3).

    Top and left of the crop in the padded image, 0 ... 2 * padding, and 1
    where the image is mirrored.
    """
    key = epoch_key(seed, epoch, DRAWS_STREAM)
    highest = [2 * augmentation.padding, 2 * augmentation.padding]
    limits = tf.constant([*highest, int(augmentation.flip)]) + 1
    uniform = tf.random.stateless_uniform((examples, 3), key)
    return tf.cast(uniform * tf.cast(limits, tf.float32), tf.int32)


def crop_and_flip(
    images: tf.Tensor, draws: tf.Tensor, *, padding: int
) -> tf.Tensor:
    """Pad with zeros, crop back to size, mirror left to right by `draw`'s rows.

    Images are uint8 (batch, height, width, channels), static but for batch.
    """
    _, height, width, channels = images.shape
    border = [padding, padding]
    padded = tf.pad(images, [[0, 0], border, border, [0, 0]])
    top, left, mirror = tf.unstack(draws[..., tf.newaxis], axis=1)
    rows = top + tf.range(height)
    across = tf.range(width)
    columns = left + tf.where(mirror == 1, across[::-1], across)
    pixels = rows[:, :, tf.newaxis] * (width + 2 * padding)
    pixels = pixels + columns[:, tf.newaxis, :]
    flat = tf.reshape(
        padded, (-1, (height + 2 * padding) * (width + 2 * padding), channels)
    )
    return tf.gather(flat, pixels, axis=1, batch_dims=1)


def numbers(draw: tf.Tensor, *, seed: int, epoch: tf.Tensor) -> tf.Tensor:
    """What decides on one image: float32 (NUMBERS,), in [0, 1)."""
    key = epoch_key(seed, epoch, NUMBERS_STREAM)
    key = tf.random.experimental.stateless_fold_in(key, draw)
    return tf.random.stateless_uniform((NUMBERS,), key)


def table(examples: int, *, seed: int, epoch: tf.Tensor) -> tf.Tensor:
    """One epoch's numbers, (examples, NUMBERS); others than `numbers`."""
    key = epoch_key(seed, epoch, NUMBERS_STREAM)
    return tf.random.stateless_uniform((examples, NUMBERS), key)


def smallest_side(smallest_area: float) -> float:
    """The least side that a `window` has, as a share of the shorter side."""
    return math.sqrt(smallest_area / LARGEST_RATIO)


def window(
    height: tf.Tensor,
    width: tf.Tensor,
    numbers: tf.Tensor,
    smallest_area: float = SMALLEST_AREA,
) -> tf.Tensor:
    """Random windows, evenly of 8 to 100 % of the area, of 3:4 to 4:3.

    Of 100 % down to `smallest_area`, where that is given.

    `tf.image.stateless_sample_distorted_bounding_box` draws heights evenly,
    so its windows are smaller, and takes a long image whole, squashed.

    Returns:
      int32 (..., 4), `numbers` being (..., NUMBERS): top, left, height, width.
    """
    whole = tf.cast(tf.stack([height, width]), tf.float32)
    area = smallest_area + (1 - smallest_area) * numbers[..., :TRIES]
    area = area * whole[0] * whole[1]
    ratio = LARGEST_RATIO ** (2 * numbers[..., TRIES : 2 * TRIES] - 1)
    tried = tf.round(tf.sqrt(tf.stack([area / ratio, area * ratio], axis=-1)))
    # The first that fits; without one, the largest that a ratio allows.
    largest = tf.round(tf.minimum(whole, whole[::-1] * LARGEST_RATIO))
    fits = tf.reduce_all(tried <= whole, axis=-1)
    first = tf.argmax(tf.cast(fits, tf.int32), axis=-1)
    size = tf.where(
        tf.reduce_any(fits, axis=-1, keepdims=True),
        tf.gather(tried, first, batch_dims=first.shape.rank),
        largest,
    )
    size = tf.maximum(size, 1)
    corner = tf.floor(numbers[..., PLACE] * (whole - size + 1))
    return tf.cast(tf.concat([corner, size], axis=-1), tf.int32)


def cut_and_resize(
    images: tf.Tensor,
    numbers: tf.Tensor,
    *,
    flip: bool,
    smallest_area: float = SMALLEST_AREA,
) -> tf.Tensor:
    """Cut a `window` of each uint8 image, resize it to the old size, mirror."""
    _, height, width, _ = images.shape
    places = window(height, width, numbers, smallest_area)
    places = tf.cast(places, tf.float32)
    top, left, tall, wide = tf.unstack(places, axis=1)
    # Corners are centres of pixels, as shares of the length less one.
    bottom, right = top + tall - 1, left + wide - 1
    if flip:
        mirrored = is_mirrored(numbers)
        ends = tf.where(mirrored, right, left), tf.where(mirrored, left, right)
        left, right = ends
    last = tf.maximum(tf.constant([height, width] * 2, tf.float32) - 1, 1)
    boxes = tf.stack([top, left, bottom, right], axis=1) / last
    order = tf.range(tf.shape(images)[0])
    found = tf.image.crop_and_resize(images, boxes, order, (height, width))
    return _rounded(found)


def is_mirrored(numbers: tf.Tensor) -> tf.Tensor:
    """Which images are mirrored where `flip` is set: half of them."""
    return numbers[..., 2 * TRIES + 2] < 0.5


def changed(
    images: tf.Tensor, draws: tf.Tensor, numbers: tf.Tensor, rule: Augmentation
) -> tf.Tensor:
    """Crop or `cut_and_resize`, mirror and colour a batch of uint8 images.

    Crops are by rows of `draw`; windows and colours by rows of `table`.
    """
    if rule.resized:
        images = cut_and_resize(
            images, numbers, flip=rule.flip, smallest_area=rule.smallest_area
        )
    elif rule.padding or rule.flip:
        images = crop_and_flip(images, draws, padding=rule.padding)
    if rule.jitter:
        images = jittered(images, numbers[:, -3:], strength=rule.jitter)
    return images


def changed_file(
    image: tf.Tensor, numbers: tf.Tensor, rule: Augmentation
) -> tf.Tensor:
    """As `changed`, of one image, or of a window that has its colours."""
    mirrored = is_mirrored(numbers) & rule.flip
    if rule.resized:
        # A slice with a negative stride takes longer than decoding.
        return tf.cond(mirrored, lambda: tf.reverse(image, [1]), lambda: image)
    place = tf.cast(numbers[PLACE] * (2 * rule.padding + 1), tf.int32)
    draws = tf.concat([place, [tf.cast(mirrored, tf.int32)]], axis=0)
    rows = [each[tf.newaxis] for each in (image, draws, numbers)]
    return changed(*rows, rule)[0]


def jittered(
    images: tf.Tensor, numbers: tf.Tensor, *, strength: float
) -> tf.Tensor:
    """Change brightness, contrast and saturation, from 0-255 to uint8.

    y = b (c (s x + (1 - s) g(x)) + (1 - c) mean g), b, c, s within
    1 ± strength, g the grey value; not clipped in between, so one linear map
    a pixel. Those of `tf.image` add, keep each channel's own mean, and know
    no grey images. `numbers` are for b, c and s, (batch, 3), in [0, 1).
    """
    height, width, channels = images.shape[1:]
    factors = 1 + strength * (2 * numbers[..., tf.newaxis, tf.newaxis] - 1)
    light, contrast, colour = tf.unstack(factors, axis=1)
    grey = tf.constant(GREY if channels == 3 else [1 / channels] * channels)
    pixels = tf.reshape(images, (-1, height * width, channels))
    pixels = tf.cast(pixels, tf.float32)
    mean = tf.reduce_mean(pixels, axis=1, keepdims=True)
    mean_grey = tf.reduce_sum(mean * grey, axis=2, keepdims=True)
    mixes = colour * tf.eye(channels) + (1 - colour) * grey[:, tf.newaxis]
    found = tf.matmul(pixels, light * contrast * mixes)
    found += light * (1 - contrast) * mean_grey
    return _rounded(tf.reshape(found, tf.shape(images)))


def _rounded(images: tf.Tensor) -> tf.Tensor:
    return tf.saturate_cast(images + 0.5, tf.uint8)


def epoch_key(seed: int, epoch: tf.Tensor, stream: int) -> tf.Tensor:
    """What one kind of an epoch's draws comes from, int64 (2,).

    A `stream` for each kind; the order of images has the bare (seed, epoch).
    """
    pair = [tf.cast(seed, tf.int64), tf.cast(epoch, tf.int64)]
    return tf.random.experimental.stateless_fold_in(tf.stack(pair), stream)
