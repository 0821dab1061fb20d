"""Which part of every global batch each replica of each worker computes.

A part is a range of positions in the batch, the same in every step: all are
disjoint, together they are the batch, and a partial last batch has the same
positions but for those beyond its end. A part may be empty then.
"""

import tensorflow as tf

from elf_keras.errors import InputError


def bounds(
    batch_size: int, *, replicas: int, workers: int = 1, worker: int = 0
) -> tuple[int, ...]:
    """Positions at which the parts of one worker's replicas begin and end.

    Every worker has as many replicas. Part r of the batch, which is that of
    all together, is from the r-th of `replicas + 1` places to the next.

    Raises:
      InputError: for batches of fewer images than replicas.
    """
    total = workers * replicas
    check(batch_size, total)
    first = worker * replicas
    places = range(first, first + replicas + 1)
    return tuple(batch_size * place // total for place in places)


def check(batch_size: int, replicas: int) -> None:
    """Refuse batches of fewer images than replicas, all together."""
    if batch_size < replicas:
        raise InputError(
            f"--batch_size={batch_size} for {replicas} replicas: expected at "
            "least one image for each; raise it or use fewer devices"
        )


def cut(
    batches: tf.data.Dataset, bounds: tuple[int, ...], start: int
) -> tf.data.Dataset:
    """Cut every batch into the replicas' parts, one after the other.

    The batches begin at the position `start` of the global batch. The parts
    are endless, since an end would be asked for in every step.
    """
    ends = [place - start for place in bounds]

    def parts(*batch):
        ranges = tf.data.Dataset.from_tensor_slices((ends[:-1], ends[1:]))
        return ranges.map(
            lambda low, high: tuple(tensor[low:high] for tensor in batch)
        )

    return batches.flat_map(parts).repeat().prefetch(len(ends) - 1)


def held(batches: tf.data.Dataset) -> tf.data.Dataset:
    """Let a dataset hold the form of it that TensorFlow gives its replicas.

    TensorFlow sets an option on what it shares out, makes an iterator of the
    result and drops it, while the iterator goes on reading it: a process then
    ends by a segmentation fault, sooner or later. Only what the optimiser has
    written anew is held there, and ours must not be.
    """
    set_options = batches.with_options

    def held_with(*arguments, **options):
        batches.shared = set_options(*arguments, **options)
        return batches.shared

    batches.with_options = held_with
    return batches
