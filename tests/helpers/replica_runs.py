"""Training steps on one and on several replicas, in a process of its own.

Logical devices must be set before TensorFlow starts, and two mirrored
strategies in one process would mix up their sums. Every case fits a full
batch at learning rate 0, then the batch in question at 1: what the weights
change by are its gradients.
"""

import sys

import keras
import numpy as np
import tensorflow as tf

from elf_keras import losses, models
from elf_keras.data import pipeline, splits
from elf_keras.data.batches import Batches
from elf_keras.distribution.replicas import overflow_together
from elf_keras.exits import exit_rule
from elf_keras.losses import across_exits
from elf_keras.losses.objective import CumulativeLoss
from elf_keras.models import bilateral, removing
from elf_keras.models.multi_exit_model import MultiExitModel
from elf_keras.training import resized_pass

THRESHOLD = 0.36
CLASSES = 3
FULL = 6
# Last batches: even, uneven, and (of three replicas) one fewer than them; a
# single image, one fewer than two replicas.
SIZES = (6, 5, 2, 1)
KINDS = ("plain", "taught", "synchronized", "bilateral", "removed", "resized")
SIDE = 8


def plain():
    layers = keras.layers
    features = image = keras.Input((SIDE, SIDE, 3), name="image")
    outputs = {}
    for name in exit_rule.exit_names(2):
        features = layers.Conv2D(4, 3, use_bias=False)(features)
        features = layers.ReLU()(features)
        pooled = layers.GlobalAveragePooling2D()(features)
        outputs[name] = layers.Dense(CLASSES)(pooled)
    return MultiExitModel(image, outputs)


def built(kind):
    options = {"backbone": "resnet8", "pixels": models.Pixels(0.0, 1.0)}
    if kind == "bilateral":
        return bilateral.build((SIDE, SIDE, 3), CLASSES, **options)
    if kind in ("synchronized", "removed"):
        # Its depthwise gradients over no example are unwritten memory.
        options |= {"exits": "1", "heads": models.Heads("separable")}
        return models.build((SIDE, SIDE, 3), CLASSES, **options)
    return plain()


def removing_pass(model, loss):
    """Class 0 leaves: of a single image nothing comes to the second stage."""
    model.get_layer("exit_1").bias.assign([3.0, 0.0, 0.0])
    return removing.RemovingPass(model, loss.leaves)


def compiled(kind):
    keras.utils.set_random_seed(0)
    model = built(kind)
    training_pass = None
    if kind == "bilateral":
        training_pass = bilateral.BilateralPass(model)
        training_pass.share.assign(0.7)
    exit_loss = losses.exit_loss("ce", [9, 3, 1])
    if kind == "taught":
        exit_loss = across_exits.weighted(
            across_exits.distilled(exit_loss, weight=2.0, temperature=0.5),
            np.array([0.5, 3.0]),
        )
    loss = CumulativeLoss(exit_loss, CLASSES, train_threshold=THRESHOLD)
    loss.class_weights.assign([0.25, 0.75, 2.0])
    if kind == "removed":
        training_pass = removing_pass(model, loss)
    if kind == "resized":
        training_pass = resized_pass.ResizedPass(model, SIDE - 2)
    rate = keras.optimizers.schedules.PiecewiseConstantDecay([0], [0.0, 1.0])
    model.compile(keras.optimizers.SGD(rate), loss, training_pass=training_pass)
    return model


def examples():
    random = np.random.default_rng(0)
    images = random.normal(size=(FULL, SIDE, SIDE, 3)).astype("float32")
    return images, np.arange(FULL) % CLASSES


def fit(model, sizes):
    order = np.concatenate([np.arange(size) for size in sizes])
    arrays = tuple(array[order] for array in examples())
    if isinstance(model.training_pass, bilateral.BilateralPass):
        arrays = tuple(np.stack([each, each[::-1]], 1) for each in arrays)
    dataset = tf.data.Dataset.from_tensor_slices(arrays).batch(FULL)
    return model.fit(dataset, verbose=0).history


def run(kind, strategy):
    replicas = strategy.num_replicas_in_sync
    with strategy.scope():
        model = compiled(kind)
    start = model.get_weights()
    scores = exit_rule.stack_exits(model(examples()[0], training=True))
    found = {f"{kind} {replicas} confidence": exit_rule.confidence(scores)}
    for size in SIZES:
        model.set_weights(start)
        model.optimizer.iterations.assign(0)
        case = f"{kind} {replicas} {size}"
        for name, values in fit(model, (FULL, size)).items():
            found[f"{case} {name}"] = values[0]
        for index, new in enumerate(model.get_weights()):
            found[f"{case} weight {index}"] = new - start[index]
    return found


def labels_of_pairs(strategy):
    """Class counts that an epoch of pairs brings, `(2, classes)`."""
    counts = np.array([600, 200, 100])
    labels = np.repeat(np.arange(CLASSES), counts).astype("int32")
    images = np.zeros((len(labels), 2, 2, 1), "uint8")
    part = splits.Examples(images, labels, ("",) * len(labels))
    data = splits.Splits(part, None, part, ("a", "b", "c"), counts)
    batches = Batches(64, seed=0, second_sampler="reversed")
    dataset = pipeline.training_batches(data.train, batches, range(1))
    found = np.zeros((2, CLASSES), int)
    for _, pairs in strategy.experimental_distribute_dataset(dataset):
        for rows in strategy.experimental_local_results(pairs):
            for which in range(2):
                column = rows.numpy()[:, which]
                found[which] += np.bincount(column, minlength=CLASSES)
    return found


def uneven_first_batch(strategy):
    """What goes wrong where not even the first batch is even."""
    with strategy.scope():
        model = compiled("plain")
    try:
        fit(model, (FULL - 1,))
    except tf.errors.OpError as error:
        return str(error)
    return ""


def overflow(strategy, together):
    """Weights and loss scale where the second replica alone overflows."""
    with strategy.scope():
        weight = keras.Variable([1.0, 1.0])
        optimizer = keras.optimizers.LossScaleOptimizer(
            keras.optimizers.SGD(0.5), initial_scale=4.0
        )
        optimizer.build([weight])

    @tf.function
    def step(value):
        def run():
            context = tf.distribute.get_replica_context()
            second = tf.equal(context.replica_id_in_sync_group, 1)
            gradient = tf.stack([4.0, tf.where(second, value, 4.0)])
            (gradient,) = together([gradient])
            optimizer.apply_gradients([(gradient, weight)])

        strategy.run(run)

    found = []
    for value in (np.inf, 4.0):
        step(tf.constant(value, "float32"))
        found.append([*weight.numpy(), optimizer.dynamic_scale.numpy()])
    return found


def main(path, replicas, kinds=KINDS):
    tf.config.set_logical_device_configuration(
        tf.config.list_physical_devices("CPU")[0],
        [tf.config.LogicalDeviceConfiguration()] * replicas,
    )
    single = tf.distribute.get_strategy()
    mirrored = tf.distribute.MirroredStrategy(
        [device.name for device in tf.config.list_logical_devices("CPU")]
    )
    results = {"uneven": uneven_first_batch(mirrored)}
    results["labels 1"] = labels_of_pairs(single)
    results[f"labels {replicas}"] = labels_of_pairs(mirrored)
    results["overflow together"] = overflow(mirrored, overflow_together)
    results["overflow alone"] = overflow(mirrored, lambda given: given)
    for kind in kinds:
        results |= run(kind, single) | run(kind, mirrored)
    np.savez(path, **results)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), sys.argv[3:] or KINDS)
