"""Operations on images, each image its own, in whole batches.

Pillow's `ImageOps`, `ImageEnhance` and `Image.transform`, to the bit but for
pixels whose place is a tie. A batch is split by the kind of work, so that an
image pays for its own operation alone: computing all and picking one takes
six times as long (Pillow, image by image, twice and a half).
"""

import tensorflow as tf

from elf_keras.data.operations import enhancements, moves, tones


def _unchanged(images, operations, values):
    del operations, values
    return images


# What does the work, and its operations in the order that it knows them by.
_WORK = {
    _unchanged: ("identity",),
    moves.moved: moves.MOVES,
    tones.inverted: tones.INVERSIONS,
    tones.spread: tones.SPREADS,
    enhancements.blended: enhancements.BLENDS,
    enhancements.sharpened: ("sharpness",),
}
OPERATIONS = tuple(name for names in _WORK.values() for name in names)
IDENTITY = OPERATIONS.index("identity")
# For each operation its work's place, and its own place there.
_PLACES = [
    (work, place)
    for work, names in enumerate(_WORK.values())
    for place, _ in enumerate(names)
]


def operate(
    images: tf.Tensor, operations: tf.Tensor, values: tf.Tensor
) -> tf.Tensor:
    """Do one operation to each image.

    Args:
      images: uint8 (batch, height, width, 3), static but for the batch.
      operations: int32 (batch,), places in `OPERATIONS`.
      values: float32 (batch,), how much. Of a shear the slope, of a
        translation the share of the side that leaves at the left or the top,
        of a rotation degrees counterclockwise; of `solarize` the smallest
        value that is inverted, of `posterize` the bits that are kept, 1 to 8;
        of `brightness`, `contrast`, `color` and `sharpness` the factor of
        Pillow's `enhance`, at least 0. The others take none.

    Returns:
      uint8 images of the same shape.
    """
    work, own = tf.unstack(tf.gather(tf.constant(_PLACES), operations), axis=1)
    whole = tf.range(tf.shape(images)[0])
    places, *parts = [
        tf.dynamic_partition(each, work, len(_WORK))
        for each in (whole, images, own, values)
    ]
    found = [
        function(*part)
        for function, part in zip(_WORK, zip(*parts, strict=True), strict=True)
    ]
    return tf.ensure_shape(tf.dynamic_stitch(places, found), images.shape)
