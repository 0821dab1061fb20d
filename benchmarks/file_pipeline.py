"""The pipeline over image files: its rate, and its memory over an epoch.

python -m benchmarks.file_pipeline

Rate: ours against a bare `tf.data` loop that reads, decodes a random window,
resizes and mirrors the same JPEG files; rounds of both in turn, by the clock
and by processor time, which other programs disturb less. Memory: an
epoch of 100,000 small files (hard links to a few), resident size along it.
Prints JSON.
"""

import argparse
import json
import os
import pathlib
import statistics
import tempfile
import time

import numpy as np
import tensorflow as tf
from PIL import Image

from elf_keras import runs
from elf_keras.data import augment, image_files, pipeline, splits
from elf_keras.data.batches import Batches

BATCH, SIZE = 64, 224
PHOTOS, PHOTO_KINDS, PHOTO_SIZE = 2048, 256, (500, 375)
SMALL_FILES, SMALL_SIZE, KINDS = 100_000, 32, 64
# The first batches fill buffers; what grows after them is a leak.
SETTLED = 0.1


def main() -> None:
    """Measure rate and memory."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--small_files", type=int, default=SMALL_FILES)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        root = pathlib.Path(folder)
        record = {
            "cores": runs.cores(),
            "rate": _rates(root / "photos", options.rounds),
            "memory": _memory(root / "small", options.small_files),
        }
    print(json.dumps(record, indent=1))


def _rates(root, rounds):
    examples = _made(root, PHOTOS, PHOTO_KINDS, PHOTO_SIZE)
    plain = augment.Augmentation(padding=0, flip=True, resized=True)
    colours = augment.Augmentation(
        padding=0, flip=True, resized=True, jitter=0.4
    )
    streams = {
        "bare": lambda: _bare(examples),
        "ours": lambda: _ours(examples, plain),
        "with_color_jitter": lambda: _ours(examples, colours),
    }
    found = {name: [] for name in streams}
    for number in range(rounds + 1):
        for name, stream in streams.items():
            pair = _rates_of(stream())
            if number:
                found[name].append(pair)
    return {
        "by_clock": _compared(found, 0),
        "by_processor_time": _compared(found, 1),
    }


def _compared(found, column):
    rates = {n: [pair[column] for pair in pairs] for n, pairs in found.items()}
    medians = {
        name: statistics.median(values) for name, values in rates.items()
    }
    return {
        "images_per_second": {n: round(rate, 1) for n, rate in medians.items()},
        "ours_over_bare": round(medians["ours"] / medians["bare"], 3),
        "with_color_jitter_over_bare": round(
            medians["with_color_jitter"] / medians["bare"], 3
        ),
        "ours_over_bare_by_round": [
            round(a / b, 3)
            for a, b in zip(rates["ours"], rates["bare"], strict=True)
        ],
    }


def _rates_of(batches):
    """Images a second by clock and by processor, after the first batch."""
    stream = iter(batches)
    next(stream)
    began, spent = time.perf_counter(), time.process_time()
    seen = sum(len(labels) for _, labels in stream)
    seconds = time.perf_counter() - began
    return seen / seconds, seen / (time.process_time() - spent)


def _ours(examples, rule):
    return pipeline.training_batches(
        examples, Batches(BATCH, 0, rule), range(1)
    )


def _bare(examples):
    """What one would write in a notebook."""
    paths = [str(examples.images.root / name) for name in examples.names]

    def read(path, label):
        contents = tf.io.read_file(path)
        shape = tf.cast(tf.io.extract_jpeg_shape(contents)[:2], tf.float32)
        # As many pixels as our windows have, without their retries.
        area = tf.random.uniform((), 0.08, 1.0) * tf.reduce_prod(shape)
        ratio = (4 / 3) ** tf.random.uniform((), -1.0, 1.0)
        wanted = tf.sqrt(tf.stack([area / ratio, area * ratio]))
        size = tf.minimum(wanted, shape)
        begin = tf.random.uniform((2,)) * (shape - size)
        window = tf.cast(tf.concat([begin, size], axis=0), tf.int32)
        image = tf.io.decode_and_crop_jpeg(contents, window, channels=3)
        image = tf.image.resize(image, (SIZE, SIZE))
        image = tf.image.random_flip_left_right(image)
        return tf.cast(image, tf.uint8), label

    return (
        tf.data.Dataset.from_tensor_slices((paths, examples.labels))
        .shuffle(len(paths))
        .map(read, num_parallel_calls=tf.data.AUTOTUNE)
        .batch(BATCH)
        .prefetch(tf.data.AUTOTUNE)
    )


def _memory(root, count):
    examples = _made(root, count, KINDS, (40, 40), size=SMALL_SIZE)
    rule = augment.Augmentation(padding=0, flip=True, resized=True)
    sizes, began = [], time.perf_counter()
    for _ in _ours(examples, rule):
        sizes.append(_resident())
    settled = sizes[int(SETTLED * len(sizes)) :]
    return {
        "files": count,
        "seconds": round(time.perf_counter() - began, 1),
        "settled_mib": round(settled[0], 1),
        "end_mib": round(settled[-1], 1),
        "growth_mib": round(max(settled) - settled[0], 1),
    }


def _resident():
    """Resident size of this process now, in MiB (Linux)."""
    pages = pathlib.Path("/proc/self/statm").read_text().split()[1]
    return int(pages) * os.sysconf("SC_PAGE_SIZE") / 2**20


def _made(root, count, kinds, photo_size, *, size=SIZE):
    """Photos of noise on smooth ground; links beyond the first `kinds`."""
    root.mkdir()
    random = np.random.default_rng(0)
    names = [f"{number:06}.jpg" for number in range(count)]
    width, height = photo_size
    for number, name in enumerate(names):
        if number >= kinds:
            (root / name).hardlink_to(root / names[number % kinds])
            continue
        coarse = Image.fromarray(random.integers(0, 256, (30, 40, 3), "uint8"))
        smooth = coarse.resize(photo_size, Image.Resampling.BICUBIC)
        noise = random.integers(-8, 9, (height, width, 3))
        pixels = (np.asarray(smooth) + noise).clip(0, 255).astype("uint8")
        Image.fromarray(pixels).save(root / name, quality=90)
    labels = (np.arange(count) % 10).astype("int32")
    # None of them: a scan of so many takes longer than the measurement.
    special = np.zeros(count, bool)
    files = image_files.of(root, names, size=size, special=special)
    return splits.Examples(files, labels, tuple(names))


if __name__ == "__main__":
    main()
