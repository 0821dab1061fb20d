"""What images that leave the batch save of a training step.

python -m benchmarks.leaving_step [--precision=float32] [--steps=20] \\
    [--peer=PATH/torch_resnet32.py --peer_python=PYTHON_WITH_TORCH]

ResNet-32 with three heads, batch 128. Of the images 0, 30 and 60 % leave,
evenly at the three early exits: each answers one class whatever it sees, and
labels are drawn anew every step, so that the sizes of the stages' batches
differ as they do in training; the rate is 0, so that it stays so. Steps of
`masked` and `removed` take turns, and the peer's bare backbone, where one is
given, has a process of its own in every round. Prints JSON: images a second,
ratios of medians, and the share of the multiply-adds that is not spent.
"""

import argparse
import json
import statistics
import sys
import time

import keras
import numpy as np
import tensorflow as tf

from benchmarks import training_speed, training_step
from elf_keras import losses, models, runs
from elf_keras.exits import exit_rule
from elf_keras.losses import objective
from elf_keras.models import multiply_adds, removing
from elf_keras.training import optimizer

BATCH, CLASSES = training_step.BATCH, training_step.CLASSES
LEAVING = (0.0, 0.3, 0.6)
NOT_COUNTED = 3
# Of the logit that an exit gives the class it always answers.
SURE = 10.0


def main() -> None:
    """Time all shares, round by round."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--precision", choices=["float32", "bfloat16"], default="bfloat16"
    )
    parser.add_argument("--peer")
    parser.add_argument("--peer_python", default=sys.executable)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=20)
    options = parser.parse_args()
    if options.precision != "float32":
        keras.config.set_dtype_policy(f"mixed_{options.precision}")
    built = {kind: build(kind) for kind in ("masked", "removed")}
    steps = {kind: tf.function(m.train_step) for kind, m in built.items()}
    rounds = {share: [] for share in LEAVING}
    peer = []
    for number in range(options.rounds):
        if options.peer:
            peer.append(_peer(options))
        for share, found in rounds.items():
            batches = _batches(share, options.steps, seed=number)
            found.append(_in_turn(steps, batches))
            print(
                f"round {number + 1}, {share}: {found[-1]}",
                file=sys.stderr,
                flush=True,
            )
    rows = [_row(share, found, peer) for share, found in rounds.items()]
    for row in rows:
        row["macs_not_spent"] = macs_not_spent(built["removed"], row["leaving"])
    told = {"precision": options.precision, "rows": rows}
    print(json.dumps(runs.environment() | told, indent=1))


def build(kind: str) -> keras.Model:
    """Return a compiled ResNet-32 whose early exit k answers class k - 1."""
    keras.utils.set_random_seed(0)
    model = models.build((32, 32, 3), CLASSES)
    for number, name in enumerate(exit_rule.exit_names(3)):
        kernel, bias = model.get_layer(name).weights
        kernel.assign(tf.zeros_like(kernel))
        bias.assign(SURE * np.eye(CLASSES)[number])
    loss = objective.CumulativeLoss(
        losses.exit_loss("ce", np.full(CLASSES, 100)),
        CLASSES,
        train_threshold=training_step.THRESHOLDS["har"],
    )
    passes = {"masked": None, "removed": removing.RemovingPass}
    made = passes[kind] and passes[kind](model, loss.leaves)
    model.compile(optimizer.CoupledSGD(0.0), loss, training_pass=made)
    return model


def macs_not_spent(model: keras.Model, leaving: float) -> float:
    """Share of the multiply-adds of a step that leaving evenly saves."""
    costs = multiply_adds.exit_costs(model).with_heads
    early = costs[:-1].mean() / costs[-1]
    return round(float(leaving * (1 - early)), 3)


def _batches(share, steps, seed):
    """Images and labels of steps; class k - 1 is who leaves at exit k."""
    images, _ = training_step.batch()
    random = np.random.default_rng(seed)
    odds = [share / 3] * 3 + [(1 - share) / (CLASSES - 3)] * (CLASSES - 3)
    for _ in range(steps + NOT_COUNTED):
        labels = random.choice(CLASSES, BATCH, p=odds).astype("int32")
        yield images, tf.constant(labels)


def _in_turn(steps, batches):
    """Images a second of each kind."""
    seconds = {kind: [] for kind in steps}
    for batch in batches:
        for kind, step in steps.items():
            start = time.perf_counter()
            float(step(batch)["loss"])
            seconds[kind].append(time.perf_counter() - start)
    return {
        kind: round(BATCH / statistics.median(found[NOT_COUNTED:]), 1)
        for kind, found in seconds.items()
    }


def _peer(options):
    command = [options.peer_python, options.peer, f"--steps={options.steps}"]
    return training_speed.rate(
        command + ["--bf16"] * (options.precision == "bfloat16")
    )


def _row(share, rounds, peer):
    masked, removed = (
        [found[kind] for found in rounds] for kind in ("masked", "removed")
    )
    row = {
        "leaving": share,
        "masked_images_per_second": statistics.median(masked),
        "removed_images_per_second": statistics.median(removed),
        "removed_over_masked": _ratio(removed, masked),
        "by_round": [
            round(a / b, 3) for a, b in zip(removed, masked, strict=True)
        ],
    }
    if peer:
        row["peer_images_per_second"] = statistics.median(peer)
        row["removed_over_peer"] = _ratio(removed, peer)
    return row


def _ratio(ours, others):
    return round(statistics.median(ours) / statistics.median(others), 3)


if __name__ == "__main__":
    main()
