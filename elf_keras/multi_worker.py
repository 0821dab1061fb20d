"""Several workers: joining them, and the steps that Keras cannot take there.

Keras' `fit` and `predict` fail under `MultiWorkerMirroredStrategy`: scalar
logs cannot be averaged along an axis (keras issue 20585), and predictions
come back in another order. `train_function` and `outputs` stand in for them;
`tests/test_multi_worker.py` fails once Keras needs no stand-in any more.
"""

import contextlib
import functools
import hashlib
import itertools
import json
import os
import signal
import sys
import threading
from collections.abc import Iterator

import keras
import numpy as np
import tensorflow as tf

from elf_keras import cluster
from elf_keras.errors import InputError, WorkerLostError
from elf_keras.replicas import sum_over_replicas

WAIT_MINUTES = 10.0
# How TensorFlow says that a worker is gone, or that it came back as another.
_LOST = (
    tf.errors.UnavailableError,
    tf.errors.AbortedError,
    tf.errors.CancelledError,
    tf.errors.DeadlineExceededError,
    tf.errors.FailedPreconditionError,
)


@functools.cache
def connect(joined: cluster.Cluster) -> tf.distribute.Strategy:
    """Wait for all workers and return their strategy.

    To be called before any other TensorFlow operation; a second call returns
    the same strategy. A process that waits in vain for ten minutes ends with
    a status that asks for a new start.

    Args:
      joined: what TF_CONFIG says.

    Raises:
      InputError: where this worker's address cannot be used.
    """
    waiting = threading.Timer(60 * WAIT_MINUTES, _give_up, [joined])
    waiting.daemon = True
    waiting.start()
    before = signal.getsignal(signal.SIGTERM)
    try:
        return tf.distribute.MultiWorkerMirroredStrategy()
    except (RuntimeError, tf.errors.OpError) as error:
        raise InputError(
            f"worker {joined.index + 1} of {len(joined.workers)} cannot take "
            f"part as {joined.workers[joined.index]} "
            f"({str(error).splitlines()[0]}); is the address in TF_CONFIG this "
            "machine's, and its port free?"
        ) from error
    finally:
        waiting.cancel()
        # TensorFlow has put its own handler there, which ends nothing.
        signal.signal(signal.SIGTERM, before)


def is_several(strategy: tf.distribute.Strategy) -> bool:
    """Whether a strategy spans several workers."""
    several = isinstance(strategy, tf.distribute.MultiWorkerMirroredStrategy)
    return several and strategy.num_replicas_in_sync > _replicas(strategy)


def is_chief(strategy: tf.distribute.Strategy) -> bool:
    """Whether this process is the one that writes."""
    return not is_several(strategy) or cluster.from_environment().is_chief


class Wishes:
    """Whether any worker wishes to stop, or to save, after the next step.

    Workers that stopped or saved after different steps would wait for each
    other for ever, so wishes travel with the step.

    Attributes:
      mine: to stop, and to save; set before a step.
      shared: the same after it, true where any worker's was.
    """

    mine = shared = (False, False)


def train_function(model: keras.Model):
    """Return what `fit` calls with an iterator, for logs of all workers.

    Args:
      model: its `train_step` returns the same logs on every replica.

    Returns:
      A function with an attribute `wishes`.
    """
    strategy, wishes = model.distribute_strategy, Wishes()

    def of_replica(data, mine):
        # A sum needs a tensor that lies on this replica's device.
        shared = sum_over_replicas(tf.identity(mine))
        return model.train_step(data), shared

    @tf.function(reduce_retracing=True)
    def step(iterator, mine):
        found = strategy.run(of_replica, args=(next(iterator), mine))
        return tf.nest.map_structure(
            lambda value: strategy.experimental_local_results(value)[0], found
        )

    def function(iterator):
        mine = tf.constant(wishes.mine, tf.float32)
        logs, shared = step(iterator, mine)
        wishes.shared = tuple(shared.numpy() > 0)
        return logs

    function.wishes = wishes
    return function


def outputs(model: keras.Model, batches: tf.data.Dataset) -> list[dict]:
    """Outputs for this worker's own batches, on its own replicas.

    Args:
      model: a model with named outputs.
      batches: of (images, labels); other workers have others.

    Returns:
      For each batch its outputs by name, in the batches' order.
    """
    strategy = model.distribute_strategy
    replicas, stream, found = _replicas(strategy), iter(batches), []
    while group := [images for images, _ in itertools.islice(stream, replicas)]:
        none = [group[0][:0]] * (replicas - len(group))
        answers = _forward(model)(_per_replica(strategy, group + none))
        parts = zip(
            *(strategy.experimental_local_results(v) for v in answers.values()),
            strict=True,
        )
        named = [dict(zip(answers, part, strict=True)) for part in parts]
        found += named[: len(group)]
    return found


def rows_of_worker(strategy: tf.distribute.Strategy, count: int) -> np.ndarray:
    """Indices of the rows that this worker computes of `count`, in a row."""
    workers = strategy.num_replicas_in_sync // _replicas(strategy)
    parts = np.array_split(np.arange(count), workers)
    return parts[cluster.from_environment().index]


def gathered(strategy: tf.distribute.Strategy, rows: np.ndarray) -> np.ndarray:
    """Rows of all workers, in the workers' order; each must call.

    Args:
      strategy: of several workers.
      rows: of this worker; the number of rows may differ.
    """
    none = [rows[:0]] * (_replicas(strategy) - 1)
    values = _per_replica(
        strategy, [tf.constant(rows), *map(tf.constant, none)]
    )
    return _gather(strategy)(values).numpy()


def check_agreement(strategy: tf.distribute.Strategy, *facts) -> None:
    """Wait for all workers, and refuse to go on where they differ.

    Args:
      strategy: of several workers; with one there is nothing to check.
      *facts: what JSON can hold, and must be the same on every worker.

    Raises:
      InputError: on every worker.
    """
    if not is_several(strategy):
        return
    text = json.dumps(facts, sort_keys=True)
    digest = np.frombuffer(hashlib.sha256(text.encode()).digest(), "uint8")
    found = gathered(strategy, digest[None].astype("int32"))
    others = [
        str(number + 1)
        for number, row in enumerate(found)
        if (row != found[0]).any()
    ]
    if others:
        raise InputError(
            f"worker {', '.join(others)} of {len(found)} has other flags, "
            "other data, or another checkpoint than the first; start all with "
            "one command line and a --workdir that all can read"
        )


@contextlib.contextmanager
def clear_errors(strategy: tf.distribute.Strategy) -> Iterator[None]:
    """Say in one line that another worker is gone.

    Args:
      strategy: where it spans one worker, errors pass as they are.

    Raises:
      WorkerLostError: instead of TensorFlow's error.
    """
    try:
        yield
    except _LOST as error:
        if not is_several(strategy):
            raise
        lines = [line for line in error.message.splitlines() if "/job" in line]
        told = lines[0].strip()[:200] if lines else type(error).__name__
        raise WorkerLostError(
            f"another worker is gone ({told}); start all of them again with "
            "--resume"
        ) from error


@functools.lru_cache(maxsize=1)
def _forward(model):
    @tf.function(reduce_retracing=True)
    def forward(images):
        return model.distribute_strategy.run(
            model, args=(images,), kwargs={"training": False}
        )

    return forward


@functools.cache
def _gather(strategy):
    # In a graph: TensorFlow would trace each eager call, and complain of it.
    return tf.function(
        lambda values: strategy.gather(values, axis=0), reduce_retracing=True
    )


def _replicas(strategy):
    return len(strategy.extended.worker_devices)


def _per_replica(strategy, values):
    return strategy.experimental_distribute_values_from_function(
        lambda context: values[context.replica_id_in_sync_group % len(values)]
    )


def _give_up(joined):
    print(
        f"error: worker {joined.index + 1} of {len(joined.workers)} waited "
        f"{WAIT_MINUTES:g} minutes for all of {', '.join(joined.workers)}; "
        "start them all, with the same TF_CONFIG but for the task",
        file=sys.stderr,
        flush=True,
    )
    os._exit(WorkerLostError.status)
