"""What the early exits of large backbones cost in a training step.

python -m benchmarks.large_step [--batch=4] [--steps=10]

For ResNet-50 and DenseNet-169 at 224 pixels: har steps and steps of the bare
backbone in turn, on one random batch. The ratio of the medians is divided by
1 + the heads' share of the backbone's MACs. Prints JSON.
"""

import argparse
import json
import statistics
import time

import keras
import numpy as np
import tensorflow as tf

from elf_keras import losses, models
from elf_keras.losses import objective
from elf_keras.models import multiply_adds
from elf_keras.training import optimizer

SIDE, CLASSES, NOT_COUNTED = 224, 1000, 3
BOUND = 1.10


def main() -> None:
    """Measure each backbone."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--backbones", nargs="+", default=["resnet50", "densenet169"]
    )
    parser.add_argument("--batch", type=int, default=4)
    parser.add_argument("--steps", type=int, default=10)
    options = parser.parse_args()
    record = {
        "batch": options.batch,
        "bound": BOUND,
        "backbones": {
            name: _measure(name, options.batch, options.steps)
            for name in options.backbones
        },
    }
    print(json.dumps(record, indent=1))


def _measure(name, size, steps):
    built = {kind: _build(name, kind) for kind in ("all", "none")}
    costs = multiply_adds.exit_costs(built["all"])
    share = costs.with_heads[-1] / costs.backbone - 1
    seconds = _time_in_turn(built, _batch(size), steps)
    medians = {kind: statistics.median(s) for kind, s in seconds.items()}
    pairs = zip(seconds["all"], seconds["none"], strict=True)
    ratio = medians["all"] / medians["none"]
    return {
        "backbone_macs": costs.backbone,
        "heads_share_of_macs": round(float(share), 4),
        "har_seconds": round(medians["all"], 3),
        "backbone_seconds": round(medians["none"], 3),
        "har_over_backbone": round(ratio, 4),
        "over_macs": round(ratio / (1 + float(share)), 4),
        "over_macs_by_step": [
            round(har / bare / (1 + float(share)), 3) for har, bare in pairs
        ],
    }


def _build(name, exits):
    model = models.build((SIDE, SIDE, 3), CLASSES, backbone=name, exits=exits)
    threshold = np.inf if exits == "none" else 0.9
    loss = losses.exit_loss("ce", np.full(CLASSES, 100))
    model.compile(
        optimizer.CoupledSGD(0.1),
        objective.CumulativeLoss(loss, CLASSES, train_threshold=threshold),
    )
    return model


def _batch(size):
    generator = np.random.default_rng(0)
    images = generator.integers(0, 256, (size, SIDE, SIDE, 3), dtype="uint8")
    labels = generator.integers(0, CLASSES, size).astype("int32")
    return tf.constant(images), tf.constant(labels)


def _time_in_turn(built: dict[str, keras.Model], batch, steps):
    """Seconds of each counted step, the models taking turns."""
    functions = {
        kind: tf.function(model.train_step) for kind, model in built.items()
    }
    seconds = {kind: [] for kind in built}
    for number in range(steps + NOT_COUNTED):
        for kind, function in functions.items():
            start = time.perf_counter()
            float(function(batch)["loss"])
            if number >= NOT_COUNTED:
                seconds[kind].append(time.perf_counter() - start)
    return seconds


if __name__ == "__main__":
    main()
