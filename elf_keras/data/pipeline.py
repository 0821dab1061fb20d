"""The only tf.data chain: order, read, augment, batch, mix, prefetch.

An epoch's order and augmentation depend on (seed, epoch) alone: a run that
resumes at epoch k sees what the uninterrupted run saw from k on. Images in
memory are gathered batch by batch, images on disk decoded one by one.
"""

import tensorflow as tf

from elf_keras.data import augment as augmentations
from elf_keras.data import (
    decoding,
    epoch_rows,
    image_files,
    mixing,
    replica_parts,
    samplers,
    splits,
)
from elf_keras.errors import InputError

BATCHES_AHEAD = 8
# Photos are larger, and decoding them keeps every core busy anyway.
BATCHES_OF_FILES_AHEAD = 2
WORKERS = 2
MIXING_STREAM = 3


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
    epochs: int | range,
    augment: augmentations.Augmentation | None = None,
    sampler: str = "instance",
    deferred_epoch: int = 0,
    done: int = 0,
    share: tuple[int, ...] | None = None,
) -> tf.data.Dataset:
    """Some epochs as one dataset, for one iterator.

    Every epoch has as many images as there are examples and ends with its
    own partial batch; give `fit` `steps_per_epoch(len(examples),
    batch_size)`. Order, augmentation and mixing are those of the global
    batch, whoever computes which part of it.

    Args:
      examples: the training split, in memory or on disk.
      batch_size: of all replicas together.
      seed: of order and augmentation.
      epochs: how many there are; or a range of them, to resume.
      augment: None leaves the images as they are.
      sampler: key of `samplers.SAMPLERS`.
      deferred_epoch: zero-based, from which `deferred` balances classes.
      done: batches of the first epoch that are left out, to resume.
      share: of `replica_parts.bounds`, where this is one of several workers or
        has several replicas; the dataset then holds its replicas' parts in
        turn, and begins anew at the end.

    Returns:
      Dataset of (uint8 (batch, height, width, channels), int32 (batch,)), or
      float32 (batch, classes) shares as labels where images are mixed.
    """
    steps = steps_per_epoch(len(examples), batch_size)
    epochs = range(epochs) if isinstance(epochs, int) else epochs
    rule = augment or augmentations.Augmentation(padding=0, flip=False)

    def epoch_of(number):
        found = samplers.order(
            examples.labels,
            sampler=sampler,
            seed=seed,
            epoch=number,
            epochs=epochs.stop,
            deferred_epoch=deferred_epoch,
        )
        return epoch_rows.Epoch(number, *found)

    on_disk = _on_disk(examples)
    rows = epoch_rows.of_files if on_disk else epoch_rows.of_arrays
    # Images are mixed with others of the batch, so all of it is read then.
    whole = share is None or rule.mixing is not None
    part = (0, batch_size) if whole else (share[0], share[-1])
    batches = rows(examples, epoch_of, rule, batch_size, seed, part)

    def epoch_rows_of(number):
        resumed = tf.cast(number == epochs.start, tf.int64)
        return batches.epoch(number, resumed * done * batch_size)

    numbers = tf.data.Dataset.range(epochs.start, epochs.stop)
    # Keras counts batches that were left out, and would stop too early.
    total = None if done else steps * len(epochs)
    found = _finished(
        numbers.flat_map(epoch_rows_of),
        _then_mixed(batches.read, rule.mixing, seed),
        total,
        _ahead(examples),
    )
    return found if share is None else replica_parts.cut(found, share, part[0])


def paired(first: tf.data.Dataset, second: tf.data.Dataset) -> tf.data.Dataset:
    """Batches of two samplings side by side, for a two-branch training.

    Args:
      first: batches of images and class indices.
      second: as many of the same sizes, drawn otherwise.

    Returns:
      Dataset of (batch, 2, height, width, channels) and (batch, 2).
    """
    both = tf.data.Dataset.zip(first, second).map(
        lambda one, other: tuple(
            tf.stack(pair, axis=1) for pair in zip(one, other, strict=True)
        )
    )
    return both.prefetch(1)


def evaluation_batches(
    examples: splits.Examples, *, batch_size: int
) -> tf.data.Dataset:
    """Every example once, in source order; shapes as in training."""
    steps = steps_per_epoch(len(examples), batch_size)
    if _on_disk(examples):
        labels = tf.data.Dataset.from_tensor_slices(examples.labels)
        rows = tf.data.Dataset.zip(
            decoding.batches(examples.images, batch_size),
            labels.batch(batch_size),
        )
        return _finished(rows, None, steps, BATCHES_OF_FILES_AHEAD)
    images, labels = epoch_rows.on_host(examples)

    def batch(start):
        stop = start + batch_size
        return images[start:stop], labels[start:stop]

    starts = tf.data.Dataset.range(0, len(examples), batch_size)
    return _finished(starts, batch, steps, BATCHES_AHEAD)


def _then_mixed(read, rule: mixing.Mixing | None, seed):
    if rule is None:
        return lambda *row: read(*row)[1:]
    mix = mixing.mixer(rule)

    def batch(*row):
        place, images, labels = read(*row)
        fold_in = tf.random.experimental.stateless_fold_in
        key = tf.stack([tf.constant(seed, tf.int64), place[0]])
        key = fold_in(fold_in(key, MIXING_STREAM), place[1])
        return mix(images, labels, key)

    return batch


def _on_disk(examples: splits.Examples) -> bool:
    return isinstance(examples.images, image_files.ImageFiles)


def _ahead(examples: splits.Examples) -> int:
    return BATCHES_OF_FILES_AHEAD if _on_disk(examples) else BATCHES_AHEAD


def _finished(
    rows: tf.data.Dataset, batch, total: int | None, ahead: int
) -> tf.data.Dataset:
    options = tf.data.Options()
    # Autotune's thread sleeps longer and longer, and is joined at the end.
    options.autotune.enabled = False
    options.deterministic = True
    # The optimiser would hold a second copy of all images.
    options.experimental_optimization.apply_default_optimizations = False
    if batch is not None:
        rows = rows.map(batch, num_parallel_calls=WORKERS, deterministic=True)
    if total is not None:
        rows = rows.apply(tf.data.experimental.assert_cardinality(total))
    return rows.prefetch(ahead).with_options(options)
