"""What early leaving, `fit` and the input pipeline cost beside the step.

python -m benchmarks.overheads [--precision=bfloat16]

har against sum: single steps in turn, the ratio of the medians. fit against
a bare loop over the same batches: whole epochs in turn, callbacks, checkpoint
and epochs' ends included, validation left out on both sides. Prints JSON.
"""

import argparse
import json
import pathlib
import statistics
import tempfile
import time

import keras
import numpy as np
import tensorflow as tf

from benchmarks import training_step
from elf_keras.data import augment, pipeline, splits
from elf_keras.data.batches import Batches
from elf_keras.evaluation.scorer import Scorer
from elf_keras.training import epoch_run, loop

# As many as CIFAR-10 LT at 100x keeps after the validation cut.
EXAMPLES, EPOCHS = 11166, 2


def main() -> None:
    """Measure the three overheads."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--precision", choices=["float32", "bfloat16"], default="float32"
    )
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--steps", type=int, default=150)
    options = parser.parse_args()
    if options.precision != "float32":
        keras.config.set_dtype_policy(f"mixed_{options.precision}")
    record = {
        "har_over_sum": _har_over_sum(options.steps),
        "fit_over_loop": _fit_over_loop(options.rounds),
        "pipeline_images_per_second": _pipeline_rate(),
    }
    print(json.dumps(record, indent=1))


def _har_over_sum(steps):
    """Ratio of median step times, the two taking turns step by step."""
    functions = {
        name: tf.function(training_step.build(name).train_step)
        for name in ("har", "sum")
    }
    batch = training_step.batch()
    seconds = {name: [] for name in functions}
    for number in range(steps + 5):
        for name, function in functions.items():
            start = time.perf_counter()
            float(function(batch)["loss"])
            if number >= 5:
                seconds[name].append(time.perf_counter() - start)
    medians = {name: statistics.median(s) for name, s in seconds.items()}
    return round(medians["har"] / medians["sum"], 4)


def _fit_over_loop(rounds):
    data, model = _random_splits(), training_step.build("har")
    fit_model = training_step.build("har")
    step = tf.function(model.train_step)
    _loop(step, data)
    _fit(fit_model, data)
    pairs = [(_fit(fit_model, data), _loop(step, data)) for _ in range(rounds)]
    fits, loops = zip(*pairs, strict=True)
    return {
        "ratio": round(statistics.median(fits) / statistics.median(loops), 4),
        "ratios_by_round": [round(a / b, 4) for a, b in pairs],
    }


def _fit(model, data):
    """Seconds of EPOCHS epochs in `loop.fit`, without compiling."""
    schedule = epoch_run.Schedule(EPOCHS, lambda epoch: 0.1, 0, np.ones(10))
    batches = Batches(training_step.BATCH, 0, _augmentation())
    scorer = Scorer(10, {}, costs=None, thresholds=None)
    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        loop.fit(
            epoch_run.Training(model, data, scorer, schedule, batches),
            pathlib.Path(folder),
        )
        return time.perf_counter() - start


def _loop(step, data):
    start = time.perf_counter()
    for batch in _batches(data, EPOCHS):
        step(batch)
    return time.perf_counter() - start


def _pipeline_rate():
    data, epochs = _random_splits(), 20
    batches = iter(_batches(data, epochs))
    next(batches)
    start = time.perf_counter()
    seen = sum(len(labels) for _, labels in batches)
    return round(seen / (time.perf_counter() - start))


def _batches(data, epochs):
    batches = Batches(training_step.BATCH, 0, _augmentation())
    return pipeline.training_batches(data.train, batches, range(epochs))


def _augmentation():
    return augment.Augmentation(padding=4, flip=True)


def _random_splits():
    generator = np.random.default_rng(0)
    images = generator.integers(0, 256, (EXAMPLES, 32, 32, 3), dtype="uint8")
    labels = generator.integers(0, 10, EXAMPLES).astype("int32")
    examples = splits.Examples(images, labels, ("",) * EXAMPLES)
    return splits.Splits(
        train=examples,
        validation=None,
        test=None,
        class_names=tuple("0123456789"),
        class_counts=np.bincount(labels, minlength=10),
    )


if __name__ == "__main__":
    main()
