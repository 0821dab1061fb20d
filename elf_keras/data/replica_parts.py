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

    Args:
      batch_size: examples in a batch, all replicas together.
      replicas: of this worker.
      workers: number of workers, all with as many replicas.
      worker: index of this one, from 0.

    Returns:
      `(replicas + 1,)`: part r is from the r-th to the (r+1)-th.

    Raises:
      InputError: for batches of fewer images than replicas.
    """
    total = workers * replicas
    check(batch_size, total)
    first = worker * replicas
    places = range(first, first + replicas + 1)
    return tuple(batch_size * place // total for place in places)


def check(batch_size: int, replicas: int) -> None:
    """Refuse batches of fewer images than replicas, all together.

    Raises:
      InputError: then.
    """
    if batch_size < replicas:
        raise InputError(
            f"--batch_size={batch_size} for {replicas} replicas: expected at "
            f"least one image for each; raise it or use fewer devices"
        )


def cut(
    batches: tf.data.Dataset, bounds: tuple[int, ...], start: int
) -> tf.data.Dataset:
    """Cut every batch into the replicas' parts, one after the other.

    Args:
      batches: of tensors whose first axis is the batch.
      bounds: what `bounds` returned.
      start: position in the global batch that these batches begin at.

    Returns:
      The parts; endless, since an end would be asked for in every step.
    """
    ends = [place - start for place in bounds]

    def parts(*batch):
        ranges = tf.data.Dataset.from_tensor_slices((ends[:-1], ends[1:]))
        return ranges.map(
            lambda low, high: tuple(tensor[low:high] for tensor in batch)
        )

    return batches.flat_map(parts).repeat().prefetch(len(ends) - 1)
