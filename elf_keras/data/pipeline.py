"""The only tf.data chain: order, read, augment, batch, mix, prefetch.

An epoch's order and augmentation depend on (seed, epoch) alone: a run that
resumes at epoch k sees what the uninterrupted run saw from k on. Images in
memory are gathered batch by batch, images on disk decoded one by one.
"""

import dataclasses

import tensorflow as tf

from elf_keras.data import (
    decoding,
    epoch_rows,
    mixing,
    replica_parts,
    samplers,
    splits,
)
from elf_keras.data.batches import Batches, steps_per_epoch

BATCHES_AHEAD = 8
# Photos are larger, and decoding them keeps every core busy anyway.
BATCHES_OF_FILES_AHEAD = 2
WORKERS = 2
MIXING_STREAM = 3
# Branches are `tf.cond` and loops are none: what AutoGraph would look for in
# every function called takes longer than the rest of making a graph.
_as_written = tf.autograph.experimental.do_not_convert


@_as_written
def training_batches(
    examples: splits.Examples,
    batches: Batches,
    epochs: range,
    *,
    done: int = 0,
    share: tuple[int, ...] | None = None,
) -> tf.data.Dataset:
    """Some epochs as one dataset, for one iterator.

    Every epoch has `batches.passes` times as many images as there are examples
    and ends with its own partial batch, unless `batches.most_steps` ends it
    before. An image that it shows again is another draw: it is changed anew
    and comes at any place. Order,
    augmentation and mixing are those of the global batch, whoever computes
    which part of it.

    Args:
      examples: the training split, in memory or on disk.
      epochs: those that are left; its end is that of the whole run.
      done: batches of the first epoch that are left out, to resume.
      share: of `replica_parts.bounds`, where this is one of several workers or
        has several replicas; the dataset then holds its replicas' parts in
        turn, and begins anew at the end.

    Returns:
      Dataset of (uint8 (batch, height, width, channels), int32 (batch,)), or
      float32 (batch, classes) shares as labels where images are mixed. With
      a second sampler, of (batch, 2, height, width, channels), (batch, 2).
    """
    first = _sampled(examples, batches, epochs, done, share)
    if not batches.second_sampler:
        return first
    other = dataclasses.replace(batches, sampler=batches.second_sampler)
    return _paired(first, _sampled(examples, other, epochs, done, share))


def _sampled(examples, batches, epochs, done, share):
    """The dataset of `training_batches` by the first sampler alone."""
    steps = batches.steps(len(examples))
    examples = examples.repeated(batches.passes)
    # Images are mixed with others of the batch, so all of it is read then.
    whole = share is None or batches.augmentation.mixing is not None
    part = (0, batches.size) if whole else (share[0], share[-1])
    rows = epoch_rows.rows_of(examples, batches, part)

    def epoch(number):
        first = tf.cast(number == epochs.start, tf.int64) * done
        shown = _shown(examples.labels, batches, number, epochs.stop)
        return rows.epoch(shown, first * batches.size).take(steps - first)

    disk = epoch_rows.on_disk(examples)
    found = _finished(
        tf.data.Dataset.range(epochs.start, epochs.stop).flat_map(epoch),
        _then_mixed(rows.read, batches),
        # Keras counts batches that were left out, and would stop too early.
        None if done else steps * len(epochs),
        BATCHES_OF_FILES_AHEAD if disk else BATCHES_AHEAD,
    )
    return found if share is None else replica_parts.cut(found, share, part[0])


def _shown(labels, batches, number, epochs):
    examples, draws = samplers.order(
        labels,
        sampler=batches.sampler,
        seed=batches.seed,
        epoch=number,
        epochs=epochs,
        deferred_epoch=batches.deferred_epoch,
    )
    return epoch_rows.Epoch(number, examples, draws)


def _paired(*samplings):
    """Batches of two samplings side by side, for a two-branch training."""
    both = tf.data.Dataset.zip(*samplings).map(
        lambda one, other: tuple(
            tf.stack(pair, axis=1) for pair in zip(one, other, strict=True)
        )
    )
    return both.prefetch(1)


@_as_written
def evaluation_batches(
    examples: splits.Examples, *, batch_size: int
) -> tf.data.Dataset:
    """Every example once, in source order; shapes as in training."""
    steps = steps_per_epoch(len(examples), batch_size)
    if epoch_rows.on_disk(examples):
        labels = tf.data.Dataset.from_tensor_slices(examples.labels)
        images = decoding.batches(examples.images, batch_size)
        rows = tf.data.Dataset.zip(images, labels.batch(batch_size))
        return _finished(rows, None, steps, BATCHES_OF_FILES_AHEAD)
    images, labels = epoch_rows.on_host(examples)

    def batch(start):
        stop = start + batch_size
        return images[start:stop], labels[start:stop]

    starts = tf.data.Dataset.range(0, len(examples), batch_size)
    return _finished(starts, batch, steps, BATCHES_AHEAD)


def _then_mixed(read, batches):
    rule = batches.augmentation.mixing
    if rule is None:
        return lambda *row: read(*row)[1:]
    mix = mixing.mixer(rule)

    def batch(*row):
        place, images, labels = read(*row)
        fold_in = tf.random.experimental.stateless_fold_in
        key = tf.stack([tf.constant(batches.seed, tf.int64), place[0]])
        key = fold_in(fold_in(key, MIXING_STREAM), place[1])
        return mix(images, labels, key)

    return batch


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
