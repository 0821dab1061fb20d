"""Images per second of one compiled training step, on one random batch.

python -m benchmarks.training_step --method=har --precision=bfloat16

Prints the median over the steps; no data, no callbacks, no epochs.
"""

import argparse
import statistics
import time

import keras
import numpy as np
import tensorflow as tf

from elf_keras import losses, models
from elf_keras.losses import objective
from elf_keras.training import optimizer

BATCH, CLASSES = 128, 10
THRESHOLDS = {"har": 0.9, "sum": np.inf, "single": np.inf}


def main() -> None:
    """Time one configuration."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--method", choices=list(THRESHOLDS), default="har")
    parser.add_argument(
        "--precision", choices=["float32", "bfloat16"], default="float32"
    )
    parser.add_argument("--steps", type=int, default=40)
    options = parser.parse_args()
    if options.precision != "float32":
        keras.config.set_dtype_policy(f"mixed_{options.precision}")
    seconds = time_steps(build(options.method), steps=options.steps)
    rate = BATCH / statistics.median(seconds)
    print(f"{rate:.1f} images/s {vars(options)}")


def build(method: str) -> keras.Model:
    """Return a compiled ResNet-32 with cross-entropy at every exit.

    Args:
      method: a key of THRESHOLDS.
    """
    model = models.build(
        (32, 32, 3),
        CLASSES,
        exits="none" if method == "single" else "all",
        # The heads of the loop it is compared with.
        heads=models.Heads("conv"),
    )
    loss = losses.exit_loss("ce", np.full(CLASSES, 100))
    model.compile(
        optimizer.CoupledSGD(0.1),
        objective.CumulativeLoss(
            loss, CLASSES, train_threshold=THRESHOLDS[method]
        ),
    )
    return model


def batch() -> tuple[tf.Tensor, tf.Tensor]:
    """Return random images and labels."""
    generator = np.random.default_rng(0)
    images = generator.integers(0, 256, (BATCH, 32, 32, 3), dtype="uint8")
    labels = generator.integers(0, CLASSES, BATCH).astype("int32")
    return tf.constant(images), tf.constant(labels)


def time_steps(model: keras.Model, *, steps: int) -> list[float]:
    """Return the seconds of each step, after five that are not counted."""
    step, data = tf.function(model.train_step), batch()
    seconds = []
    for _ in range(steps + 5):
        start = time.perf_counter()
        float(step(data)["loss"])
        seconds.append(time.perf_counter() - start)
    return seconds[5:]


if __name__ == "__main__":
    main()
