"""How fast training images are augmented, against how fast they are learned.

python -m benchmarks.augmentation

Images a second of the pipeline alone, from memory, and of training steps
alone (ResNet-32 with exits, which leaves no core to anything else), rounds of
all in turn, by the clock and by processor time, which other programs disturb
less. Photos have no training beside them: theirs is a rate. Prints JSON.
"""

import argparse
import itertools
import json
import statistics
import sys
import time

import numpy as np
import tensorflow as tf

from benchmarks import training_step
from elf_keras import runs
from elf_keras.data import augment, auto_augment, cutout, pipeline, splits
from elf_keras.data.batches import Batches

IMAGES, PHOTOS = 10_000, 256
SIDE, PHOTO_SIDE = 32, 160
PIXEL = (125, 123, 114)
AUTOAUGMENT = auto_augment.AutoAugment()
RANDAUGMENT = auto_augment.RandAugment()
RULES = {
    "crop": (),
    "cutout": (cutout.Cutout(16, PIXEL),),
    "autoaugment": (AUTOAUGMENT,),
    "randaugment": (RANDAUGMENT,),
    "autoaugment_cutout": (AUTOAUGMENT, cutout.Cutout(16, PIXEL)),
}


def main() -> None:
    """Measure all in turn."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=5.0)
    options = parser.parse_args()
    model = training_step.build("har")
    small, photos = _made(IMAGES, SIDE), _made(PHOTOS, PHOTO_SIDE)
    works = {"training": _steps(model)}
    works |= {name: _stream(small, rules) for name, rules in RULES.items()}
    works["photos_crop"] = _stream(photos, ())
    works["photos_randaugment"] = _stream(photos, (RANDAUGMENT,))
    found = {name: [] for name in works}
    for number in range(options.rounds + 1):
        for name, work in works.items():
            rates = _rates(work, options.seconds)
            print(number, name, *map(round, rates), file=sys.stderr)
            if number:
                found[name].append(rates)
    record = {"cores": runs.cores(), "photo_side": PHOTO_SIDE}
    for column, how in enumerate(("by_clock", "by_processor_time")):
        record[how] = _compared(found, column)
    print(json.dumps(record, indent=1))


def _made(count, side):
    """Photos that are smooth, of all colours."""
    random = np.random.default_rng(0)
    coarse = random.integers(0, 256, (count, 5, 5, 3)).astype("float32")
    pixels = tf.cast(tf.image.resize(coarse, (side, side)), tf.uint8).numpy()
    return splits.Examples(pixels, np.zeros(count, "int32"), ("",) * count)


def _stream(examples, rules):
    """How many images each batch has, and how many batches are prefetched."""
    side = examples.images.shape[1]
    rule = augment.Augmentation(side // 8, each_image=rules)
    size = min(training_step.BATCH, len(examples) // 8)
    batches = Batches(size, 0, rule)

    def stream():
        for _, labels in pipeline.training_batches(
            examples, batches, range(1_000_000)
        ):
            yield len(labels)

    return stream, pipeline.BATCHES_AHEAD


def _steps(model):
    step, batch = tf.function(model.train_step), training_step.batch()

    def stream():
        while True:
            float(step(batch)["loss"])
            yield training_step.BATCH

    return stream, 0


def _rates(work, seconds):
    """Images a second by clock, and by the processor time of all cores."""
    stream, ahead = work
    stream = stream()
    # What was prefetched would count as made in no time.
    next(itertools.islice(stream, ahead, None))
    began, spent, seen = time.perf_counter(), time.process_time(), 0
    while time.perf_counter() - began < seconds:
        seen += next(stream)
    by_clock = seen / (time.perf_counter() - began)
    return by_clock, seen / (time.process_time() - spent) * runs.cores()


def _compared(found, column):
    rates = {
        name: [pair[column] for pair in pairs] for name, pairs in found.items()
    }
    return {
        "images_per_second": {
            name: round(statistics.median(values))
            for name, values in rates.items()
        },
        "over_training": {
            name: round(
                statistics.median(
                    one / other
                    for one, other in zip(
                        rates[name], rates["training"], strict=True
                    )
                ),
                1,
            )
            for name in RULES
        },
    }


if __name__ == "__main__":
    main()
