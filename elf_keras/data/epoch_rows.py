"""An epoch as rows of `tf.data`, and what makes a batch of a row.

Images in memory: a row is a batch's indices and draws. Images on disk: a row
is a whole batch, whose files were decoded side by side. Of every batch, both
take the positions `part` alone.
"""

import dataclasses

import tensorflow as tf

from elf_keras import runs
from elf_keras.data import augment, decoding, splits
from elf_keras.data.batches import Batches


@dataclasses.dataclass(frozen=True)
class Epoch:
    """One epoch: its number, what it shows, the numbers of its draws."""

    number: tf.Tensor
    examples: tf.Tensor
    draws: tf.Tensor


class InMemory:
    """Rows of images in memory, see `OnDisk` for the two methods."""

    def __init__(
        self, examples: splits.Examples, batches: Batches, part: tuple[int, int]
    ):
        self.images, self.labels = on_host(examples)
        self.batches, self.part = batches, part

    def epoch(self, epoch, first):
        """As `OnDisk.epoch`."""
        count, seed = len(self.labels), self.batches.seed
        rule = self.batches.augmentation
        places = augment.draw(rule, count, seed=seed, epoch=epoch.number)
        table = tf.zeros((count, 0))
        if rule.resized or rule.jitter:
            table = augment.uniforms(count, seed=seed, epoch=epoch.number)

        def row(start):
            chosen = slice(start + self.part[0], start + self.part[1])
            draws = epoch.draws[chosen]
            return (
                tf.stack([epoch.number, start]),
                epoch.examples[chosen],
                tf.gather(places, draws),
                tf.gather(table, draws),
            )

        return tf.data.Dataset.range(first, count, self.batches.size).map(row)

    def read(self, key, chosen, places, table):
        """As `OnDisk.read`."""
        rule, images = self.batches.augmentation, tf.gather(self.images, chosen)
        if rule.resized:
            images = augment.crop_and_resize(images, table, flip=rule.flip)
        elif rule.padding or rule.flip:
            images = augment.crop_and_flip(images, places, padding=rule.padding)
        if rule.jitter:
            images = augment.jittered_bytes(images, table, strength=rule.jitter)
        return key, images, tf.gather(self.labels, chosen)


class OnDisk:
    """Rows of images on disk."""

    def __init__(
        self, examples: splits.Examples, batches: Batches, part: tuple[int, int]
    ):
        self.files, self.labels = examples.images, tf.constant(examples.labels)
        self.source = decoding.sources(examples.images)
        self.batches, self.part = batches, part

    def epoch(self, epoch: Epoch, first: tf.Tensor) -> tf.data.Dataset:
        """Return the rows of an epoch from its place `first` on."""
        count, size, (low, high) = (
            len(self.labels),
            self.batches.size,
            self.part,
        )

        def load(place):
            chosen = epoch.examples[place]
            image = self._image(epoch.number, chosen, epoch.draws[place])
            return tf.stack([epoch.number, place]), image, self.labels[chosen]

        rows = (
            tf.data.Dataset.range(first, count)
            .filter(lambda place: (low <= place % size) & (place % size < high))
            .map(
                load,
                num_parallel_calls=runs.cores(),
                deterministic=True,
            )
            .batch(high - low)
        )
        if not 0 < count % size <= low:
            return rows
        # A part with nothing left in the last batch still takes the step,
        # unless that is done: an epoch may be resumed at its very end.
        empty = tf.data.Dataset.from_tensors(
            (
                tf.zeros((0, 2), tf.int64),
                tf.zeros((0, *self.files.shape[1:]), tf.uint8),
                tf.zeros((0,), tf.int32),
            )
        )
        return rows.concatenate(empty.take(tf.cast(first < count, tf.int64)))

    def read(self, keys, images, labels):
        """Return the key that mixing draws from, images and labels."""
        # The first key; of none, a number that nothing draws from.
        return tf.reduce_min(keys, axis=0), images, labels

    def _image(self, number, chosen, draw):
        rule, files = self.batches.augmentation, self.files
        row = augment.uniform_row(draw, seed=self.batches.seed, epoch=number)
        if rule.resized:
            return decoding.training_image(
                *self.source(chosen),
                row,
                size=files.size,
                jitter=rule.jitter,
                flip=rule.flip,
            )
        image = decoding.evaluation_image(
            *self.source(chosen), size=files.size, kept=files.kept
        )
        return augment.padded(image, row, rule)


def on_host(examples: splits.Examples) -> tuple[tf.Tensor, tf.Tensor]:
    """Images and labels as tensors in the host's memory."""
    with tf.device("CPU:0"):
        return tf.constant(examples.images), tf.constant(examples.labels)
