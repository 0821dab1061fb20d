"""What can go wrong or take long, found out before a week of training.

Decodes some images whole, runs the pipeline for some
seconds and a few training steps; nothing is written.
"""

import dataclasses
import time

import keras
import numpy as np
import tensorflow as tf

from elf_keras import errors, runs
from elf_keras.data import image_files, images, pipeline, splits
from elf_keras.data.batches import Batches, steps_per_epoch
from elf_keras.errors import InputError
from elf_keras.models import multiply_adds
from elf_keras.runs import progress
from elf_keras.training import plan

PIPELINE_SECONDS = 5.0
STEPS = 3


def check_images(data: splits.Splits, decoded: int) -> list[tuple[str, str]]:
    """Decode some of the images on disk, whose headers were read before.

    Of each split, `decoded` images are decoded whole, all for 0. Returns rows
    (what, figure) of a table.

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
            _check(files[some])
            text += f", all headers read, {count} decoded"
        rows.append((split, text))
    return rows


@dataclasses.dataclass(frozen=True)
class Speed:
    """What was measured here, on one device.

    Attributes:
      pipeline: images a second that are read and augmented.
      step: seconds of a training step.
      batch: images in a step.
      images: of an epoch.
      overlap: whether reading goes on during a step.
    """

    pipeline: float
    step: float
    batch: int
    images: int
    overlap: bool

    @property
    def steps(self) -> int:
        """Steps of an epoch of all images, as often as it shows them."""
        return steps_per_epoch(self.images, self.batch)

    @property
    def epoch_seconds(self) -> float:
        """Seconds of an epoch, without validation."""
        reading = self.images / self.pipeline
        training = self.steps * self.step
        return max(reading, training) if self.overlap else reading + training

    def rows(self, epochs: int) -> list[tuple[str, str]]:
        """Rows (what, figure) of a table, for a training of `epochs`."""
        epoch = self.epoch_seconds
        memory = runs.peak_memory() / 2**30
        word = "epoch" if epochs == 1 else "epochs"
        return [
            ("pipeline", f"{self.pipeline:.0f} images/s"),
            ("training step", f"{self.step:.3f} s of {self.batch} images"),
            ("steps an epoch", str(self.steps)),
            ("time an epoch", f"{progress.duration(epoch)} and validation"),
            (f"time of {epochs} {word}", progress.duration(epochs * epoch)),
            ("memory so far, at most", f"{memory:.1f} GiB"),
        ]


def measure(
    model: keras.Model,
    data: splits.Splits,
    batches: Batches,
    *,
    seconds: float = PIPELINE_SECONDS,
) -> Speed:
    """Time the pipeline, for some seconds, and a training step.

    The model is compiled, on one device; its weights change.
    """
    rate, batch = _pipeline_rate(data, batches, seconds)
    return Speed(
        pipeline=rate,
        step=_step_seconds(model, batch),
        batch=batches.size,
        images=batches.passes * len(data.train),
        # Only a GPU leaves the cores to the pipeline while it computes.
        overlap=bool(tf.config.list_logical_devices("GPU")),
    )


def work_of(model: keras.Model, speed: Speed, *, epochs: int) -> plan.Work:
    """What a training of some epochs, measured here, asks of any device."""
    outputs = keras.tree.flatten([layer.output for layer in model.layers])
    return plan.Work(
        images=epochs * speed.images,
        batch=speed.batch,
        macs=int(multiply_adds.exit_costs(model).with_heads[-1]),
        parameters=model.count_params(),
        values=sum(int(np.prod(output.shape[1:])) for output in outputs),
        pipeline=speed.pipeline,
        images_per_second=speed.batch / speed.step,
    )


def _check(files):
    """Decode files whole, some at a time: memory stays flat."""
    paths, reasons = [files.root / name for name in files.names], []
    counter = progress.Counter("decoding", len(paths), "files")
    for start in range(0, len(paths), image_files.CHUNK):
        chunk = paths[start : start + image_files.CHUNK]
        reasons += images.read_all(chunk, 8, counter)[1]
    faults = [
        f"{runs.legible(name)} ({reason})"
        for name, reason in zip(files.names, reasons, strict=True)
        if reason
    ]
    if faults:
        raise InputError(
            f"{len(faults)} images of {len(paths)} files cannot be read: "
            f"{splits.shown(faults)}; repair or remove them, "
            "or save them smaller"
        )


def _pipeline_rate(data, batches, seconds):
    """Images a second after the first batch, and one whole batch."""
    stream = iter(
        pipeline.training_batches(data.train, batches, range(1_000_000))
    )
    with errors.translated():
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
