"""The workers of one training: joining them, asking them, losing one."""

import contextlib
import functools
import hashlib
import json
import signal
import socket
import time
from collections.abc import Iterator

import numpy as np
import tensorflow as tf

from elf_keras.distribution import cluster
from elf_keras.errors import InputError, WorkerLostError

WAIT_MINUTES = 10.0
# Seconds between two attempts to reach the others.
_PAUSE = 0.5
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
    the same strategy.

    Raises:
      InputError: where this worker's address cannot be used.
      WorkerLostError: where another one went away meanwhile, or did not come
        within ten minutes.
    """
    _meet(joined)
    before = signal.getsignal(signal.SIGTERM)
    try:
        return tf.distribute.MultiWorkerMirroredStrategy()
    except _LOST as error:
        raise WorkerLostError(
            f"the workers did not come together ({_shown(error)}); start all "
            "of them again with --resume"
        ) from error
    except (RuntimeError, tf.errors.OpError) as error:
        raise _refusal(joined, str(error).splitlines()[0]) from error
    finally:
        # TensorFlow has put its own handler there, which ends nothing.
        signal.signal(signal.SIGTERM, before)


def is_several(strategy: tf.distribute.Strategy) -> bool:
    """Whether a strategy spans several workers."""
    several = isinstance(strategy, tf.distribute.MultiWorkerMirroredStrategy)
    return several and strategy.num_replicas_in_sync > replicas(strategy)


def is_chief(strategy: tf.distribute.Strategy) -> bool:
    """Whether this process is the one that writes."""
    return not is_several(strategy) or cluster.from_environment().is_chief


def rows_of_worker(strategy: tf.distribute.Strategy, count: int) -> np.ndarray:
    """Indices of the rows that this worker computes of `count`, in a row."""
    workers = strategy.num_replicas_in_sync // replicas(strategy)
    parts = np.array_split(np.arange(count), workers)
    return parts[cluster.from_environment().index]


def gathered(strategy: tf.distribute.Strategy, rows: np.ndarray) -> np.ndarray:
    """Rows of all workers, in the workers' order; each must call.

    Args:
      rows: of this worker; the number of rows may differ.
    """
    none = [rows[:0]] * (replicas(strategy) - 1)
    values = per_replica(strategy, [tf.constant(rows), *map(tf.constant, none)])
    return _gather(strategy)(values).numpy()


def of_chief(strategy: tf.distribute.Strategy, row: np.ndarray) -> np.ndarray:
    """Return the chief's array on every worker, each of which must call.

    Args:
      row: of this worker, the same shape and type on each.
    """
    if not is_several(strategy):
        return row
    return gathered(
        strategy, row[None] if is_chief(strategy) else row[None][:0]
    )[0]


def check_agreement(strategy: tf.distribute.Strategy, *facts) -> None:
    """Wait for all workers, if several, and refuse to go on where they differ.

    Args:
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


def leave_together(strategy: tf.distribute.Strategy) -> None:
    """Return once every worker is done, so that none misses one that ended.

    Raises:
      WorkerLostError: where another worker went away before it was done.
    """
    with clear_errors(strategy):
        check_agreement(strategy, "done")
    # Who has the others' answers may end before they fetched its own. A second
    # round begins on no worker before the first one ended there, so that its
    # failure says only that the others have ended, as they may.
    with contextlib.suppress(*_LOST):
        check_agreement(strategy, "leaving")


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
        raise WorkerLostError(
            f"another worker is gone ({_shown(error)}); start all of them "
            "again with --resume"
        ) from error


def replicas(strategy: tf.distribute.Strategy) -> int:
    """Number of this worker's own replicas."""
    return len(strategy.extended.worker_devices)


def per_replica(strategy: tf.distribute.Strategy, values: list):
    """Give each of this worker's replicas its value."""
    return strategy.experimental_distribute_values_from_function(
        lambda context: values[context.replica_id_in_sync_group % len(values)]
    )


@functools.cache
def _gather(strategy):
    # In a graph: TensorFlow would trace each eager call, and complain of it.
    return tf.function(
        lambda values: strategy.gather(values, axis=0), reduce_retracing=True
    )


def _shown(error):
    lines = [line for line in error.message.splitlines() if "/job" in line]
    return lines[0].strip()[:200] if lines else type(error).__name__


def _meet(joined):
    """Wait until all can be reached; TensorFlow would wait deaf to signals."""
    until = time.monotonic() + 60 * WAIT_MINUTES
    missing = [*joined.workers]
    both = socket.has_dualstack_ipv6()
    try:
        own = int(joined.workers[joined.index].rpartition(":")[2])
        with socket.create_server(
            ("", own),
            family=socket.AF_INET6 if both else socket.AF_INET,
            dualstack_ipv6=both,
        ):
            while missing := [each for each in missing if not _answers(each)]:
                if time.monotonic() > until:
                    break
                time.sleep(_PAUSE)
    except OSError as error:
        raise _refusal(joined, error.strerror) from error
    if missing:
        raise WorkerLostError(
            f"worker {joined.index + 1} of {len(joined.workers)} waited "
            f"{WAIT_MINUTES:g} minutes for {', '.join(missing)}; start all "
            "workers, with the same TF_CONFIG but for the task"
        )


def _answers(address):
    host, _, port = address.rpartition(":")
    try:
        socket.create_connection((host.strip("[]"), int(port)), 1).close()
    except OSError:
        return False
    return True


def _refusal(joined, reason):
    return InputError(
        f"worker {joined.index + 1} of {len(joined.workers)} cannot take part "
        f"as {joined.workers[joined.index]} ({reason}); is the address in "
        "TF_CONFIG this machine's, and its port free?"
    )
