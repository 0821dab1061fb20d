"""Logits of exported chains for whole splits, beside whatever else is done."""

import os
import pathlib
import queue
from collections.abc import Callable
from concurrent import futures

import numpy as np

from elf_keras import runs
from elf_keras.deploy import batched, measure
from elf_keras.runs import progress

# Images of a task, of which a thread is done soon: nobody interrupts it.
CHUNK = 64
# Images that are asked one by one, too, before many are at a time.
ASKED = 4


class Scoring:
    """Threads for all cores; runtimes release Python while they run.

    A context manager. What was started first is answered first; what nobody
    has waited for when it ends is dropped.
    """

    def __init__(self):
        self._pool = futures.ThreadPoolExecutor(os.cpu_count())

    def __enter__(self) -> "Scoring":
        return self

    def __exit__(self, *_):
        self._pool.shutdown(cancel_futures=True)

    def start(
        self, files: pathlib.Path, images: np.ndarray
    ) -> Callable[[], np.ndarray]:
        """Begin to ask the chain of a variant, of whose `files` it consists.

        Images are `(images, …)`, of pixel values 0 to 255. Returns a function
        that waits for their logits, float32 `(images, exits, classes)`.
        """
        chains = _Chains(files, images)
        counter = progress.Counter(f"scoring {files.name}", len(images))
        parts = [
            self._pool.submit(
                chains.logits, images[start : start + CHUNK], counter
            )
            for start in range(0, len(images), CHUNK)
        ]
        return lambda: np.concatenate([part.result() for part in parts])


class _OneByOne:
    """The stages of a variant, asked image by image, as in use."""

    def __init__(self, paths):
        self._stages = [
            measure.RUNTIMES[path.suffix](path.read_bytes()) for path in paths
        ]

    def logits(self, images):
        return measure.chain_logits(self._stages, images)


class _Chains:
    """The chain of a variant, as often as threads ask for it."""

    def __init__(self, files, images):
        self._paths = measure.paths(files, "stage")
        self._shape = images.shape[1:]
        self._free = queue.SimpleQueue()
        few = np.asarray(images[:ASKED])
        # A runtime tells of itself once, to the whole process.
        with runs.silenced():
            expected = self._one_by_one().logits(few)
            together = self._answers_together(few, expected)
        self._open = self._together if together else self._one_by_one

    def logits(self, images, counter):
        """Answer on a chain that no other thread has."""
        try:
            chain = self._free.get_nowait()
        except queue.Empty:
            chain = self._open()
        try:
            return chain.logits(images)
        finally:
            counter.add(len(images))
            self._free.put(chain)

    def _one_by_one(self):
        return _OneByOne(self._paths)

    def _together(self):
        return batched.Batched(self._paths, self._shape)

    def _answers_together(self, few, expected):
        """Whether many at a time are answered as each alone."""
        try:
            return self._together().answers(few, expected)
        except (RuntimeError, ValueError):
            return False
