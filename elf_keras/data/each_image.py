"""What is done to each image after its crop, by numbers of its own.

Rules, such as `auto_augment.RandAugment` or `cutout.Cutout`, one after the
other. Each has a `numbers`, how many in [0, 1) decide on an image, and a
`changed(images, numbers)` for a batch. An image's depend on (seed, epoch,
example) alone, so not on the batch, the replicas or where images are kept.
"""

import tensorflow as tf

from elf_keras.data import augment

STREAM = 5


def table(rules: tuple, examples: int, *, seed: int, epoch: tf.Tensor):
    """One epoch's numbers for each of the rules, float32 (examples, all)."""
    key = augment.epoch_key(seed, epoch, STREAM)
    total = sum(rule.numbers for rule in rules)
    return tf.random.stateless_uniform((examples, total), key)


def changed(rules: tuple, images: tf.Tensor, numbers: tf.Tensor) -> tf.Tensor:
    """Change a batch of uint8 images by rows of `table`."""
    if not rules:
        return images
    parts = tf.split(numbers, [rule.numbers for rule in rules], axis=1)
    for rule, part in zip(rules, parts, strict=True):
        images = rule.changed(images, part)
    return images
