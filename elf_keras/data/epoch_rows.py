"""An epoch as rows of `tf.data`, and what makes a batch of a row.

Images in memory: a row is a batch's indices and draws. Images on disk: a row
is a whole batch, whose files were decoded side by side.
"""

import dataclasses
from collections.abc import Callable

import tensorflow as tf

from elf_keras import runs
from elf_keras.data import augment as augmentations
from elf_keras.data import decoding, splits


@dataclasses.dataclass(frozen=True)
class Epoch:
    """One epoch: what it shows, and from which numbers it is changed."""

    number: tf.Tensor
    examples: tf.Tensor
    draws: tf.Tensor


@dataclasses.dataclass(frozen=True)
class Rows:
    """An epoch's number, its first place -> rows; a row -> images and labels.

    A row begins with the key that mixing draws from.
    """

    epoch: Callable
    read: Callable


def of_arrays(
    examples: splits.Examples,
    epoch_of: Callable[[tf.Tensor], Epoch],
    rule: augmentations.Augmentation,
    batch_size: int,
    seed: int,
    part: tuple[int, int],
) -> Rows:
    """Rows of images in memory; arguments as in `training_batches`."""
    images, labels = on_host(examples)
    count = len(examples)

    def rows(number, first):
        epoch = epoch_of(number)
        key = {"seed": seed, "epoch": number}
        draws = augmentations.draw(rule, count, **key)
        table = tf.zeros((count, 0))
        if rule.resized or rule.jitter:
            table = augmentations.uniforms(count, **key)

        def row(start):
            chosen = slice(start + part[0], start + part[1])
            picked = epoch.draws[chosen]
            return (
                tf.stack([number, start]),
                epoch.examples[chosen],
                tf.gather(draws, picked),
                tf.gather(table, picked),
            )

        return tf.data.Dataset.range(first, count, batch_size).map(row)

    def read(key, chosen, draws, table):
        found = tf.gather(images, chosen)
        if rule.resized:
            found = augmentations.crop_and_resize(found, table, flip=rule.flip)
        elif rule.padding or rule.flip:
            found = augmentations.crop_and_flip(
                found, draws, padding=rule.padding
            )
        if rule.jitter:
            found = augmentations.jittered_bytes(
                found, table, strength=rule.jitter
            )
        return key, found, tf.gather(labels, chosen)

    return Rows(rows, read)


def of_files(
    examples: splits.Examples,
    epoch_of: Callable[[tf.Tensor], Epoch],
    rule: augmentations.Augmentation,
    batch_size: int,
    seed: int,
    part: tuple[int, int],
) -> Rows:
    """Rows of images on disk; arguments as in `training_batches`."""
    files = examples.images
    source = decoding.sources(files)
    labels = tf.constant(examples.labels)

    def rows(number, first):
        epoch = epoch_of(number)

        def load(place):
            chosen = epoch.examples[place]
            image = read_one(number, chosen, epoch.draws[place])
            return tf.stack([number, place]), image, labels[chosen]

        found = (
            tf.data.Dataset.range(first, len(examples))
            .filter(lambda place: _within(part, place % batch_size))
            .map(
                load,
                num_parallel_calls=runs.cores(),
                deterministic=True,
            )
            .batch(part[1] - part[0])
        )
        left = len(examples) % batch_size
        if not 0 < left <= part[0]:
            return found
        # A part with nothing left in the last batch still takes the step,
        # unless that is done: an epoch may be resumed at its very end.
        steps = tf.cast(first < len(examples), "int64")
        return found.concatenate(_none_of(found.element_spec).take(steps))

    def read_one(number, chosen, draw):
        row = augmentations.uniform_row(draw, seed=seed, epoch=number)
        if rule.resized:
            return decoding.training_image(
                *source(chosen),
                row,
                size=files.size,
                jitter=rule.jitter,
                flip=rule.flip,
            )
        image = decoding.evaluation_image(
            *source(chosen), size=files.size, kept=files.kept
        )
        return augmentations.padded(image, row, rule)

    def read(keys, images, labels):
        # The first key; of none, a number that nothing draws from.
        return tf.reduce_min(keys, axis=0), images, labels

    return Rows(rows, read)


def _within(part, place):
    return (part[0] <= place) & (place < part[1])


def _none_of(row):
    shapes = [[side or 0 for side in spec.shape[1:]] for spec in row]
    return tf.data.Dataset.from_tensors(
        tuple(
            tf.zeros([0, *shape], spec.dtype)
            for shape, spec in zip(shapes, row, strict=True)
        )
    )


def on_host(examples: splits.Examples) -> tuple[tf.Tensor, tf.Tensor]:
    """Images and labels as tensors in the host's memory."""
    with tf.device("CPU:0"):
        return tf.constant(examples.images), tf.constant(examples.labels)
