"""One training step on 1, 2 and 3 replicas, in a process of its own.

Logical devices must be set before TensorFlow starts. Saves, for every case,
the weights' changes at learning rate 1 (the gradients) and the logs.
"""

import sys

import keras
import numpy as np
import tensorflow as tf

from elf_keras import exit_rule, losses, multi_exit
from elf_keras.losses.objective import CumulativeLoss
from elf_keras.multi_exit_model import MultiExitModel

THRESHOLD = 0.36
CLASSES = 3
# Name, replicas, and the sizes of the batches: full, with an empty replica,
# and one fewer than the replicas.
CASES = (
    ("plain", 1, (7, 1)),
    ("plain", 2, (7, 1)),
    ("synchronized", 1, (6, 2, 1)),
    ("synchronized", 2, (6, 1)),
    ("synchronized", 3, (6, 2, 1)),
)
SIDE = 8


def plain():
    image = keras.Input((SIDE, SIDE, 3), name="image")
    first = keras.layers.Conv2D(4, 3, activation="relu")(image)
    second = keras.layers.Conv2D(4, 3, activation="relu")(first)
    outputs = {
        name: keras.layers.Dense(CLASSES)(
            keras.layers.GlobalAveragePooling2D()(features)
        )
        for name, features in zip(
            exit_rule.exit_names(2), (first, second), strict=True
        )
    }
    return MultiExitModel(image, outputs)


def synchronized():
    return multi_exit.build(
        (SIDE, SIDE, 3),
        CLASSES,
        backbone="resnet8",
        exits="1",
        pixel_mean=0.0,
        pixel_deviation=1.0,
        synchronized=True,
    )


def strategy_of(replicas):
    if replicas == 1:
        return tf.distribute.get_strategy()
    devices = tf.config.list_logical_devices("CPU")[:replicas]
    return tf.distribute.MirroredStrategy([each.name for each in devices])


def one_step(model, images, labels, batch_size):
    dataset = tf.data.Dataset.from_tensor_slices((images, labels))
    history = model.fit(dataset.batch(batch_size), verbose=0).history
    return {name: values[0] for name, values in history.items()}


def run(kind, replicas, sizes):
    random = np.random.default_rng(0)
    images = random.normal(size=(max(sizes), SIDE, SIDE, 3)).astype("float32")
    labels = np.arange(max(sizes)) % CLASSES
    keras.utils.set_random_seed(0)
    with strategy_of(replicas).scope():
        model = {"plain": plain, "synchronized": synchronized}[kind]()
        loss = CumulativeLoss(
            losses.exit_loss("ce", [9, 3, 1]),
            CLASSES,
            train_threshold=THRESHOLD,
        )
        loss.class_weights.assign([0.25, 0.75, 2.0])
        model.compile(keras.optimizers.SGD(1.0), loss)
    start = model.get_weights()
    found = {}
    for size in sizes:
        model.set_weights(start)
        logs = one_step(model, images[:size], labels[:size], max(sizes))
        key = f"{kind} {replicas} {size}"
        found[f"{key} logs"] = [logs[name] for name in sorted(logs)]
        for index, old in enumerate(start):
            found[f"{key} {index}"] = model.get_weights()[index] - old
    model.set_weights(start)
    scores = exit_rule.stack_exits(model(images, training=True))
    found[f"{kind} {replicas} confidence"] = exit_rule.confidence(scores)
    return found


def main(path):
    tf.config.set_logical_device_configuration(
        tf.config.list_physical_devices("CPU")[0],
        [tf.config.LogicalDeviceConfiguration()] * 3,
    )
    results = {}
    for case in CASES:
        results.update(run(*case))
    np.savez(path, **results)


if __name__ == "__main__":
    main(sys.argv[1])
