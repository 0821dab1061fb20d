"""Crops, flips and colours, as functions of draws that are made elsewhere.

What happens to an image depends on (seed, epoch, example), never on the
batch or the number of replicas. References: *Deep Residual Learning*, section
4.2 (crops after padding); *Going deeper with convolutions*, section 6
(windows of the area); *Large-Scale Long-Tailed Recognition in an Open World*
(colours, 0.4 each, for ImageNet-LT).
"""

import dataclasses

import tensorflow as tf

DRAWS_STREAM = 1
UNIFORMS_STREAM = 2
SMALLEST_AREA = 0.08
LARGEST_RATIO = 4 / 3
# Windows that are tried before the largest one that fits is taken.
TRIES = 10
# A window's area and ratio for each try, its place, mirror, three colours.
COLUMNS = 2 * TRIES + 6
GREY = (0.299, 0.587, 0.114)


@dataclasses.dataclass(frozen=True)
class Augmentation:
    """What may happen to a training image.

    Attributes:
      padding: zero padding in pixels before a random crop back to size.
      flip: mirror half of the images.
      resized: instead, a window of 8 to 100 % of the area and 3:4 to 4:3,
        resized.
      jitter: most that brightness, contrast and saturation change by, as a
        share; 0 leaves colours alone.
      mixing: what then happens to whole batches, a `mixing.Mixing`.
    """

    padding: int = 4
    flip: bool = True
    resized: bool = False
    jitter: float = 0.0
    mixing: object | None = None


NOTHING = Augmentation(padding=0, flip=False)


def draw(
    augmentation: Augmentation, examples: int, *, seed: int, epoch: tf.Tensor
) -> tf.Tensor:
    """One epoch's table of draws.

    Args:
      augmentation: what may happen.
      examples: rows of the table.
      seed: of the run.
      epoch: scalar, from 0.

    Returns:
      int32 (examples, 3): top and left of the crop in the padded image,
      0 ... 2 * padding, and 1 where the image is mirrored.
    """
    key = _key(seed, epoch, DRAWS_STREAM)
    highest = [2 * augmentation.padding, 2 * augmentation.padding]
    limits = tf.constant([*highest, int(augmentation.flip)]) + 1
    uniform = tf.random.stateless_uniform((examples, 3), key)
    return tf.cast(uniform * tf.cast(limits, tf.float32), tf.int32)


def crop_and_flip(
    images: tf.Tensor, draws: tf.Tensor, *, padding: int
) -> tf.Tensor:
    """Pad with zeros, crop back to size, mirror left to right.

    Args:
      images: uint8 (batch, height, width, channels), static but batch.
      draws: int32 (batch, 3), see `draw`.
      padding: pixels on every side.

    Returns:
      uint8, shape of `images`.
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


def padded(image: tf.Tensor, row: tf.Tensor, rule: Augmentation) -> tf.Tensor:
    """Crop, mirror and colour one uint8 image by a row of `uniforms`."""
    images, rows = image[tf.newaxis], row[tf.newaxis]
    if rule.padding or rule.flip:
        place = rows[:, 2 * TRIES : 2 * TRIES + 2] * (2 * rule.padding + 1)
        mirror = tf.cast(is_mirrored(rows), tf.int32)[:, tf.newaxis]
        draws = [tf.cast(place, tf.int32), mirror * int(rule.flip)]
        images = crop_and_flip(
            images, tf.concat(draws, axis=1), padding=rule.padding
        )
    if rule.jitter:
        images = jittered_bytes(images, rows, strength=rule.jitter)
    return images[0]


def jittered_bytes(
    images: tf.Tensor, table: tf.Tensor, *, strength: float
) -> tf.Tensor:
    """As `jittered`, from uint8 to uint8."""
    found = jittered(tf.cast(images, tf.float32), table, strength=strength)
    return tf.saturate_cast(found + 0.5, tf.uint8)


def uniforms(rows: int, *, seed: int, epoch: tf.Tensor) -> tf.Tensor:
    """One epoch's table of numbers in [0, 1), float32 (rows, COLUMNS)."""
    return tf.random.stateless_uniform(
        (rows, COLUMNS), _key(seed, epoch, UNIFORMS_STREAM)
    )


def uniform_row(row: tf.Tensor, *, seed: int, epoch: tf.Tensor) -> tf.Tensor:
    """One row without the table, (COLUMNS,); other numbers than in it."""
    key = tf.random.experimental.stateless_fold_in(
        _key(seed, epoch, UNIFORMS_STREAM), row
    )
    return tf.random.stateless_uniform((COLUMNS,), key)


def windows(table: tf.Tensor, height: tf.Tensor, width: tf.Tensor) -> tf.Tensor:
    """Random windows of 8 to 100 % of the area, 3:4 to 4:3.

    Args:
      table: rows of `uniforms`, (batch, COLUMNS).
      height: of the images, scalar integer.
      width: likewise.

    Returns:
      int32 (batch, 4): top, left, height, width.
    """
    height, width = tf.cast(height, tf.float32), tf.cast(width, tf.float32)
    area = SMALLEST_AREA + (1 - SMALLEST_AREA) * table[:, :TRIES]
    area = area * height * width
    ratio = LARGEST_RATIO ** (2 * table[:, TRIES : 2 * TRIES] - 1)
    heights = tf.round(tf.sqrt(area / ratio))
    widths = tf.round(tf.sqrt(area * ratio))
    fits = tf.cast((heights <= height) & (widths <= width), tf.int32)
    # The first that fits; without one, the largest that a ratio allows.
    first = tf.argmax(fits, axis=1, output_type=tf.int32)
    any_fits = tf.reduce_max(fits, axis=1) == 1
    chosen_heights = tf.where(
        any_fits,
        tf.gather(heights, first, batch_dims=1),
        tf.round(tf.minimum(height, width * LARGEST_RATIO)),
    )
    chosen_widths = tf.where(
        any_fits,
        tf.gather(widths, first, batch_dims=1),
        tf.round(tf.minimum(width, height * LARGEST_RATIO)),
    )
    sizes = tf.maximum(tf.stack([chosen_heights, chosen_widths], axis=1), 1)
    room = tf.stack([height, width]) - sizes
    corner = tf.floor(table[:, 2 * TRIES : 2 * TRIES + 2] * (room + 1))
    return tf.cast(tf.concat([corner, sizes], axis=1), tf.int32)


def is_mirrored(table: tf.Tensor) -> tf.Tensor:
    """Which rows of `uniforms` mirror their image, bool (batch,)."""
    return table[:, 2 * TRIES + 2] < 0.5


def crop_and_resize(
    images: tf.Tensor, table: tf.Tensor, *, flip: bool
) -> tf.Tensor:
    """Cut each image's window, resize it to the old size, perhaps mirror it.

    Args:
      images: uint8 (batch, height, width, channels), static but batch.
      table: rows of `uniforms`, (batch, COLUMNS).
      flip: mirror half of the images.

    Returns:
      uint8, shape of `images`.
    """
    _, height, width, _ = images.shape
    places = tf.cast(windows(table, height, width), tf.float32)
    top, left, heights, widths = tf.unstack(places, axis=1)
    # Corners are centres of pixels, counted in the length less one.
    bottom, right = top + heights - 1, left + widths - 1
    if flip:
        mirrored = is_mirrored(table)
        left, right = (
            tf.where(mirrored, right, left),
            tf.where(mirrored, left, right),
        )
    tall, wide = max(height - 1, 1), max(width - 1, 1)
    boxes = [top / tall, left / wide, bottom / tall, right / wide]
    found = tf.image.crop_and_resize(
        images,
        tf.stack(boxes, axis=1),
        tf.range(tf.shape(images)[0]),
        (height, width),
    )
    return tf.saturate_cast(found + 0.5, tf.uint8)


def jittered(
    images: tf.Tensor, table: tf.Tensor, *, strength: float
) -> tf.Tensor:
    """Change brightness, contrast and saturation of each image.

    y = b (c (s x + (1 - s) g(x)) + (1 - c) mean g), b, c, s within
    1 ± strength, g the grey value: one linear map a pixel. Without clipping
    in between, the order of the three makes no difference.

    Args:
      images: float32 (batch, height, width, channels), 0 to 255.
      table: rows of `uniforms`, (batch, COLUMNS).
      strength: in [0, 1).

    Returns:
      float32, shape of `images`, not clipped.
    """
    height, width, channels = images.shape[1:]
    factors = 1 + strength * (2 * table[:, 2 * TRIES + 3 :] - 1)
    light, contrast, saturation = tf.unstack(
        factors[:, :, tf.newaxis, tf.newaxis], axis=1
    )
    grey = tf.constant(GREY if channels == 3 else [1 / channels] * channels)
    pixels = tf.reshape(images, (-1, height * width, channels))
    mean = tf.reduce_mean(pixels, axis=1, keepdims=True)
    mean_grey = tf.reduce_sum(mean * grey, axis=2, keepdims=True)
    mixes = saturation * tf.eye(channels) + (1 - saturation) * tf.tile(
        grey[:, tf.newaxis], (1, channels)
    )
    mapped = tf.matmul(pixels, light * contrast * mixes)
    mapped += light * (1 - contrast) * mean_grey
    return tf.reshape(mapped, tf.shape(images))


def _key(seed: int, epoch: tf.Tensor, stream: int) -> tf.Tensor:
    # Other streams than the order's, which has the bare (seed, epoch).
    return tf.random.experimental.stateless_fold_in(
        tf.stack([tf.cast(seed, tf.int64), tf.cast(epoch, tf.int64)]), stream
    )
