"""The only tf.data chain: order, gather, augment, batch, prefetch.

An epoch's order and augmentation depend on (seed, epoch) alone: a run that
resumes at epoch k sees what the uninterrupted run saw from k on.
"""

import tensorflow as tf

from elf_keras.data import augment as augmentations
from elf_keras.data import splits
from elf_keras.errors import InputError

BATCHES_AHEAD = 8
WORKERS = 2


def steps_per_epoch(examples: int, batch_size: int) -> int:
    """Batches of an epoch; the last may be partial.

    Raises:
      InputError: without examples or for a batch size below 1.
    """
    if examples < 1 or batch_size < 1:
        raise InputError(
            f"{examples} examples in batches of {batch_size}: expected at "
            "least one of each"
        )
    return -(-examples // batch_size)


def training_batches(
    examples: splits.Examples,
    *,
    batch_size: int,
    seed: int,
    epochs: int,
    first_epoch: int = 0,
    augment: augmentations.Augmentation | None = None,
) -> tf.data.Dataset:
    """Epochs first_epoch ... epochs - 1 as one dataset, for one iterator.

    Every epoch holds each example once and ends with its own partial batch;
    give `fit` `steps_per_epoch(len(examples), batch_size)`.

    Args:
      examples: the training split.
      batch_size: of all replicas together.
      seed: of order and augmentation.
      epochs: the epoch to stop before.
      first_epoch: where to resume, from 0.
      augment: None leaves the images as they are.

    Returns:
      Dataset of (uint8 (batch, height, width, channels), int32 (batch,)).
    """
    count = len(examples)
    steps = steps_per_epoch(count, batch_size)
    images, labels = _on_host(examples)

    rule = augment or augmentations.Augmentation(padding=0, flip=False)

    def epoch_rows(epoch):
        draws = augmentations.draw(rule, count, seed=seed, epoch=epoch)
        return _rows(_order(count, seed, epoch), draws, batch_size)

    def batch(rows, draws):
        chosen = tf.gather(images, rows)
        if augment is not None:
            chosen = augmentations.crop_and_flip(
                chosen, draws, padding=augment.padding
            )
        return chosen, tf.gather(labels, rows)

    numbers = tf.data.Dataset.range(first_epoch, epochs)
    total = steps * max(epochs - first_epoch, 0)
    return _finished(numbers.flat_map(epoch_rows), batch, total)


def evaluation_batches(
    examples: splits.Examples, *, batch_size: int
) -> tf.data.Dataset:
    """Every example once, in source order; shapes as in training."""
    steps = steps_per_epoch(len(examples), batch_size)
    images, labels = _on_host(examples)

    def batch(start):
        stop = start + batch_size
        return images[start:stop], labels[start:stop]

    starts = tf.data.Dataset.range(0, len(examples), batch_size)
    return _finished(starts, batch, steps)


def _order(count: int, seed: int, epoch: tf.Tensor) -> tf.Tensor:
    key = tf.stack([tf.constant(seed, tf.int64), epoch])
    return tf.random.experimental.stateless_shuffle(tf.range(count), key)


def _rows(
    order: tf.Tensor, draws: tf.Tensor, batch_size: int
) -> tf.data.Dataset:
    """One epoch as (indices (batch,), their draws (batch, 3))."""

    def rows(start):
        batch = order[start : start + batch_size]
        return batch, tf.gather(draws, batch)

    return tf.data.Dataset.range(0, order.shape[0], batch_size).map(rows)


def _on_host(examples: splits.Examples) -> tuple[tf.Tensor, tf.Tensor]:
    with tf.device("CPU:0"):
        return tf.constant(examples.images), tf.constant(examples.labels)


def _finished(rows: tf.data.Dataset, batch, total: int) -> tf.data.Dataset:
    options = tf.data.Options()
    # Autotune's thread sleeps longer and longer, and is joined at the end.
    options.autotune.enabled = False
    options.deterministic = True
    # The optimiser would hold a second copy of all images.
    options.experimental_optimization.apply_default_optimizations = False
    return (
        rows.map(batch, num_parallel_calls=WORKERS, deterministic=True)
        .apply(tf.data.experimental.assert_cardinality(total))
        .prefetch(BATCHES_AHEAD)
        .with_options(options)
    )
