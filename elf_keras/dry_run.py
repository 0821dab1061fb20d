"""What can go wrong or take long, found out before a week of training.

Reads every header, decodes some images whole, runs the pipeline for some
seconds and a few training steps; nothing is written.
"""

import time

import keras
import numpy as np
import tensorflow as tf

from elf_keras import epoch_run, runs, training
from elf_keras.data import image_files, images, pipeline, splits
from elf_keras.errors import InputError

PIPELINE_SECONDS = 5.0
STEPS = 3


def check_images(data: splits.Splits, decoded: int) -> list[tuple[str, str]]:
    """Read the headers of all images on disk, and decode some of them.

    Args:
      data: the splits.
      decoded: images of each split that are decoded whole; 0 for all.

    Returns:
      Rows (what, figure) of a table.

    Raises:
      InputError: with the first few files that cannot be read.
    """
    rows = []
    for split in ("train", "validation", "test"):
        part = getattr(data, split)
        if part is None:
            continue
        text = f"{len(part)} images"
        if isinstance(part.images, image_files.ImageFiles):
            files = part.images
            count = min(decoded, len(files)) or len(files)
            some = np.linspace(0, len(files) - 1, count).astype(int)
            _check(files, images.scan, "headers of")
            _check(files[some], _decode_all, "images of")
            text += f", all headers read, {count} decoded"
        rows.append((split, text))
    return rows


def measure(
    model: keras.Model,
    data: splits.Splits,
    batches: training.Batches,
    *,
    epochs: int,
    seconds: float = PIPELINE_SECONDS,
) -> list[tuple[str, str]]:
    """Time the pipeline and a training step, and what follows from them.

    Args:
      model: compiled; its weights change.
      data: the splits.
      batches: how the training split becomes batches.
      epochs: of the whole training.
      seconds: how long the pipeline is run.

    Returns:
      Rows (what, figure) of a table.
    """
    steps = pipeline.steps_per_epoch(len(data.train), batches.size)
    rate, batch = _pipeline_rate(data, batches, seconds)
    step = _step_seconds(model, batch)
    reading = len(data.train) / rate
    # Only a GPU leaves the cores to the pipeline while it computes.
    overlap = bool(tf.config.list_logical_devices("GPU"))
    epoch = max(reading, steps * step) if overlap else reading + steps * step
    return [
        ("pipeline", f"{rate:.0f} images/s"),
        ("training step", f"{step:.3f} s of {batches.size} images"),
        ("steps an epoch", str(steps)),
        ("time an epoch", f"{_duration(epoch)} and validation"),
        (f"time of {epochs} epochs", _duration(epochs * epoch)),
        ("memory so far, at most", f"{runs.peak_memory() / 2**30:.1f} GiB"),
    ]


def table(rows: list[tuple[str, str]]) -> str:
    """The rows as lines of two columns."""
    width = max(len(what) for what, _ in rows)
    return "\n".join(f"{what:<{width}}  {figure}" for what, figure in rows)


def _check(files, read, what):
    paths = [files.root / name for name in files.names]
    _, reasons = read(paths)
    faults = [
        f"{name} ({reason})"
        for name, reason in zip(files.names, reasons, strict=True)
        if reason
    ]
    if faults:
        raise InputError(
            f"{len(faults)} {what} {len(paths)} files cannot be read: "
            f"{splits.shown(faults)}; repair or remove them"
        )


def _decode_all(paths):
    """Why each file cannot be read whole, if so; memory stays flat."""
    reasons = []
    for start in range(0, len(paths), image_files.CHUNK):
        chunk = paths[start : start + image_files.CHUNK]
        reasons += images.read_all(chunk, 8)[1]
    return None, reasons


def _pipeline_rate(data, batches, seconds):
    """Images a second after the first batch, and one whole batch."""
    stream = iter(epoch_run.epochs_of(data, batches, range(1_000_000)))
    first = next(stream)
    began, seen = time.perf_counter(), 0
    while not seen or time.perf_counter() - began < seconds:
        seen += len(next(stream)[0])
    return seen / (time.perf_counter() - began), first


def _step_seconds(model, batch):
    times = []
    for _ in range(STEPS + 1):
        began = time.perf_counter()
        model.train_on_batch(*batch)
        times.append(time.perf_counter() - began)
    # The first one traces the graph.
    return float(np.median(times[1:]))


def _duration(seconds):
    if seconds < 90:
        return f"{seconds:.0f} s"
    if seconds < 90 * 60:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"
