"""An epoch as rows of `tf.data`, and what makes a batch of a row.

Images in memory: a row is a batch's indices and draws, the fastest. Files: a
row is a whole batch, whose images were read and changed side by side. Of every
batch, both take the positions `part` alone.
"""

import dataclasses
from collections.abc import Callable

import tensorflow as tf

from elf_keras.data import (
    augment,
    decoding,
    each_image,
    file_batches,
    image_files,
    splits,
)
from elf_keras.data.batches import Batches


@dataclasses.dataclass(frozen=True)
class Epoch:
    """One epoch: its number, what it shows, the numbers of its draws."""

    number: tf.Tensor
    examples: tf.Tensor
    draws: tf.Tensor


def rows_of(
    examples: splits.Examples, batches: Batches, part: tuple[int, int]
) -> "BatchByBatch | OneByOne":
    """Rows of a training split, by where it is."""
    kind = OneByOne if on_disk(examples) else BatchByBatch
    return kind(examples, batches, part)


class BatchByBatch:
    """Rows of images in memory, see `OneByOne` for the two methods."""

    def __init__(
        self, examples: splits.Examples, batches: Batches, part: tuple[int, int]
    ):
        self.images, self.labels = on_host(examples)
        self.batches, self.part = batches, part

    def epoch(self, epoch, first):
        """As `OneByOne.epoch`."""
        rule, seed = self.batches.augmentation, self.batches.seed
        count = len(self.labels)
        draws = augment.draw(rule, count, seed=seed, epoch=epoch.number)
        numbers = draws
        if rule.resized or rule.jitter:
            numbers = augment.table(count, seed=seed, epoch=epoch.number)
        each = _each_table(self.batches, count, epoch)

        def row(start):
            chosen = slice(start + self.part[0], start + self.part[1])
            rows = epoch.draws[chosen]
            return (
                tf.stack([epoch.number, start]),
                epoch.examples[chosen],
                tf.gather(draws, rows),
                tf.gather(numbers, rows),
                tf.gather(each, rows),
            )

        return tf.data.Dataset.range(first, count, self.batches.size).map(row)

    def read(self, key, chosen, draws, numbers, each):
        """As `OneByOne.read`."""
        rule, images = self.batches.augmentation, tf.gather(self.images, chosen)
        images = augment.changed(images, draws, numbers, rule)
        images = each_image.changed(rule.each_image, images, each)
        return key, images, tf.gather(self.labels, chosen)


class OneByOne:
    """Rows of images on disk."""

    def __init__(
        self, examples: splits.Examples, batches: Batches, part: tuple[int, int]
    ):
        files, rule = examples.images, batches.augmentation
        source = decoding.sources(files)
        self.shape, self.labels = files.shape, examples.labels
        self.image = _reader(files, source, rule)
        self.again = _reader(files, decoding.again(source), rule)
        self.batches, self.part = batches, part

    def epoch(self, epoch: Epoch, first: tf.Tensor) -> tf.data.Dataset:
        """Return the rows of an epoch from its place `first` on."""
        count, (low, high) = self.shape[0], self.part
        labels = tf.constant(self.labels)
        each = _each_table(self.batches, count, epoch)

        def row(places, images):
            epochs = tf.fill(tf.shape(places), epoch.number)
            chosen = tf.gather(epoch.examples, places)
            rows = tf.gather(epoch.draws, places)
            keys = tf.stack([epochs, places], axis=1)
            return (
                keys,
                images,
                tf.gather(labels, chosen),
                tf.gather(each, rows),
            )

        # A part with nothing left in the last batch still takes the step.
        spans = tf.data.Dataset.range(first, count, self.batches.size).map(
            lambda start: (
                tf.minimum(start + low, count),
                tf.minimum(start + high, count),
            )
        )
        return file_batches.of(
            spans,
            self._changed(epoch, self.image),
            self._changed(epoch, self.again),
            self.shape[1:],
        ).map(row)

    def _changed(self, epoch, image):
        """Return place -> the image there, read by `image` and changed."""

        def changed(place):
            numbers = augment.numbers(
                epoch.draws[place], seed=self.batches.seed, epoch=epoch.number
            )
            return augment.changed_file(
                image(epoch.examples[place], numbers),
                numbers,
                self.batches.augmentation,
            )

        return changed

    def read(self, keys, images, labels, each):
        """Return the key that mixing draws from, images and labels."""
        rules = self.batches.augmentation.each_image
        images = each_image.changed(rules, images, each)
        # The first key; of none, a number that nothing draws from.
        return tf.reduce_min(keys, axis=0), images, labels


def _each_table(batches, count, epoch):
    rules = batches.augmentation.each_image
    return each_image.table(rules, count, seed=batches.seed, epoch=epoch.number)


def _reader(
    files: image_files.ImageFiles, source: Callable, rule: augment.Augmentation
) -> Callable:
    """Return (index, numbers) -> the image, or a window with its colours."""
    known = {"size": files.size, "whole": files.damaged.upright}
    if rule.resized:
        return lambda chosen, numbers: decoding.training_image(
            *source(chosen), numbers, rule=rule, **known
        )
    return lambda chosen, numbers: decoding.evaluation_image(
        *source(chosen), kept=files.kept, **known
    )


def on_disk(examples: splits.Examples) -> bool:
    """Whether images are files."""
    return isinstance(examples.images, image_files.ImageFiles)


def on_host(examples: splits.Examples) -> tuple[tf.Tensor, tf.Tensor]:
    """Images and labels as tensors in the host's memory."""
    with tf.device("CPU:0"):
        return tf.constant(examples.images), tf.constant(examples.labels)
