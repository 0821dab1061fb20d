"""What saving costs beside training, as a share of an epoch's time.

python -m benchmarks.checkpoints [--precision=bfloat16]

ResNet-32 with three heads on as many images as CIFAR-10 LT has at 100x: the
median of a step and of a checkpoint. An epoch's end saves once, the best so
far, too; --checkpoint_minutes adds one per interval. Prints JSON.
"""

import argparse
import json
import pathlib
import statistics
import tempfile
import time

import keras
import tensorflow as tf

from benchmarks import overheads, training_step
from elf_keras.data import pipeline
from elf_keras.training import checkpoints

MINUTES = 10


def main() -> None:
    """Time steps and checkpoints in turn."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--precision", choices=["float32", "bfloat16"], default="float32"
    )
    parser.add_argument("--rounds", type=int, default=15)
    options = parser.parse_args()
    if options.precision != "float32":
        keras.config.set_dtype_policy(f"mixed_{options.precision}")
    with tempfile.TemporaryDirectory() as folder:
        step, save, size = _seconds(pathlib.Path(folder), options.rounds)
    steps = pipeline.steps_per_epoch(overheads.EXAMPLES, training_step.BATCH)
    epoch = steps * step
    record = {
        "precision": options.precision,
        "step_seconds": round(step, 4),
        "checkpoint_seconds": round(save, 4),
        "checkpoint_megabytes": round(size / 1e6, 1),
        "share_of_an_epoch": round(save / epoch, 5),
        f"share_within_epochs_every_{MINUTES}_minutes": round(
            save / (60 * MINUTES), 6
        ),
    }
    print(json.dumps(record, indent=1))


def _seconds(folder, rounds):
    model, batch = training_step.build("har"), training_step.batch()
    model.optimizer.build(model.trainable_variables)
    saver = checkpoints.Checkpoints(folder)
    saver.restore(model)
    function = tf.function(model.train_step)
    # Adds the batch norm's and the metrics' first values, and the graph.
    float(function(batch)["loss"])
    steps, saves = [], []
    for number in range(rounds):
        start = time.perf_counter()
        float(function(batch)["loss"])
        steps.append(time.perf_counter() - start)
        start = time.perf_counter()
        saver.save(0, number + 1)
        saves.append(time.perf_counter() - start)
    (newest, *_) = sorted(folder.glob("*.h5"), reverse=True)
    size = newest.stat().st_size
    return statistics.median(steps), statistics.median(saves), size


if __name__ == "__main__":
    main()
