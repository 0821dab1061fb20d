"""The same training on one device, two replicas, two workers, two of each.

python worker_runs.py KIND... FOLDER: single, mirrored, multi_worker,
workers_of_two; the devices are the last one's. A process of its own, since
devices and workers must be there before TensorFlow starts. Writes what it saw
and learned; each worker a file of its own.
"""

import multiprocessing.pool
import os
import pathlib
import sys
import tempfile

import keras
import numpy as np
import tensorflow as tf
from tensorflow.python.distribute import collective_all_reduce_strategy

from elf_keras import losses
from elf_keras.data import augment, mixing, splits
from elf_keras.data.batches import Batches
from elf_keras.distribution import cluster, strategies, workers
from elf_keras.evaluation.scorer import Scorer
from elf_keras.losses.objective import CumulativeLoss
from elf_keras.models.layers import BatchNormalization
from elf_keras.models.multi_exit_model import MultiExitModel
from elf_keras.training import epoch_run, loop, optimizer
from elf_keras.training.weight_average import WeightAverage

CLASSES, SIDE, THRESHOLD = 3, 6, 0.45
# Five steps an epoch; of the last batch, three images, one replica has none.
EXAMPLES, BATCH, EPOCHS, REWEIGHT = 35, 8, 4, 2
DECAY = 0.8
SCORER = Scorer(CLASSES, {}, costs=None, thresholds=None)


class TellingLoss(CumulativeLoss):
    """The objective, and how close to t any confidence came."""

    def __init__(self, *arguments, **options):
        super().__init__(*arguments, **options)
        self.closest = tf.Variable(1.0, dtype="float64", trainable=False)

    def terms(self, labels, outputs, sample_weight=None):
        if not tf.distribute.in_cross_replica_context():
            scores = tf.stack([*outputs.values()], axis=1)
            sure = tf.reduce_max(tf.nn.softmax(scores), -1)
            distance = tf.cast(tf.abs(sure - THRESHOLD), "float64")
            least = tf.reduce_min(distance)
            self.closest.assign(tf.minimum(self.closest, least))
        return super().terms(labels, outputs, sample_weight)


def compiled(loss_class, rate):
    keras.utils.set_random_seed(0)
    layers = keras.layers
    image = keras.Input((SIDE, SIDE, 1), name="image")
    features, outputs = layers.Rescaling(1 / 255)(image), {}
    for name in ("exit_1", "exit_2"):
        features = layers.Conv2D(4, 3, use_bias=False)(features)
        features = BatchNormalization(synchronized=True)(features)
        features = layers.ReLU()(features)
        pooled = layers.GlobalAveragePooling2D()(features)
        outputs[name] = layers.Dense(CLASSES, name=name)(pooled)
    model = MultiExitModel(image, outputs)
    loss = losses.exit_loss("ce", [9, 6, 3])
    model.compile(
        optimizer.CoupledSGD(rate),
        loss_class(loss, CLASSES, train_threshold=THRESHOLD),
    )
    return model


def examples(count=EXAMPLES, seed=0):
    random = np.random.default_rng(seed)
    labels = random.integers(CLASSES, size=count).astype("int32")
    images = random.integers(120, size=(count, SIDE, SIDE, 1))
    images = images + 60 * labels[:, None, None, None]
    return splits.Examples(images.astype("uint8"), labels, ("",) * count)


def train(strategy, dtype, *, count, epochs, rate):
    """Weights, history and the closest confidence of one training."""
    keras.config.set_floatx(dtype)
    keras.config.set_dtype_policy(dtype)
    alone = strategy.num_replicas_in_sync == 1
    with strategy.scope():
        model = compiled(TellingLoss if alone else CumulativeLoss, rate)
    start = model.get_weights()
    parts = examples(count), examples(7, 1), examples(5, 2)
    data = splits.Splits(*parts, ("a", "b", "c"), np.array([9, 6, 3]))
    schedule = epoch_run.Schedule(
        epochs,
        lambda epoch: rate if epoch < 3 else rate / 10,
        REWEIGHT,
        np.array([0.25, 0.75, 2.0]),
    )
    batches = Batches(BATCH, 3, augment.Augmentation(1, True))
    with tempfile.TemporaryDirectory() as folder:
        average = WeightAverage(model, DECAY)
        training = epoch_run.Training(
            model, data, SCORER, schedule, batches, average
        )
        outcome = loop.fit(training, pathlib.Path(folder))
    found = {"closest": getattr(model.objective, "closest", 1.0)}
    for which, weights in (
        ("weight", model.get_weights()),
        ("average", average.model.get_weights()),
        ("start", start),
    ):
        found |= {f"{which} {k}": value for k, value in enumerate(weights)}
    for name, value in outcome.history[-1].items():
        if "second" not in name:
            found[f"log {name}"] = value
    return {f"{dtype} {name}": value for name, value in found.items()}


def seen(strategy, rule):
    """Numbers and pixels of the images of two epochs, step by step."""
    data = examples()
    numbers = np.arange(EXAMPLES, dtype="int32")
    ids = splits.Examples(data.images, numbers, data.names)
    parts = splits.Splits(ids, None, None, ("a",), np.array([EXAMPLES]))
    batches = Batches(BATCH, 3, rule)
    both = range(1, 3)
    stream = iter(epoch_run.shared_epochs(strategy, parts, batches, both))
    found = {}
    for step in range(10):
        images, labels = next(stream)
        for kind, value in (("images", images), ("labels", labels)):
            local = strategy.experimental_local_results(value)
            for replica, part in enumerate(local):
                found[f"{kind} {step} {replica}"] = part.numpy()
    return found


def two_devices(extended, resolver, worker):
    """Of a worker, which TensorFlow lets have several GPUs, but one CPU."""
    return tuple(f"{worker}/device:CPU:{number}" for number in range(2)), "CPU"


def refuse_pool(*_):
    raise AssertionError("TensorFlow asked the other workers in a thread pool")


def prepare(kind):
    """Before TensorFlow has any device."""
    # It stays open where another worker is gone, and Python then ends with a
    # traceback of it.
    multiprocessing.pool.ThreadPool = refuse_pool
    if kind in ("mirrored", "workers_of_two"):
        tf.config.set_logical_device_configuration(
            tf.config.list_physical_devices("CPU")[0],
            [tf.config.LogicalDeviceConfiguration()] * 2,
        )
    if kind == "workers_of_two":
        extended = collective_all_reduce_strategy.CollectiveAllReduceExtended
        extended._initialize_local_devices = two_devices


def run(kind, folder):
    joined = cluster.from_environment()
    strategy = strategies.create(kind, joined)
    found = {
        **train(strategy, "float64", count=EXAMPLES, epochs=EPOCHS, rate=0.5),
        **train(strategy, "float32", count=BATCH, epochs=1, rate=1.0),
    }
    mixed = mixing.Mixing("mixup", EXAMPLES, 0.5)
    for name, mix in (("plain", None), ("mixed", mixed)):
        rule = augment.Augmentation(1, True, mixing=mix)
        for key, value in seen(strategy, rule).items():
            found[f"{name} {key}"] = value
    index = joined.index if joined else 0
    np.savez(pathlib.Path(folder, f"{kind}_{index}.npz"), **found)
    workers.leave_together(strategy)


if __name__ == "__main__":
    os.environ["TF_ENABLE_ONEDNN_OPTS"] = "0"
    *kinds, into = sys.argv[1:]
    prepare(kinds[-1])
    for each in kinds:
        run(each, into)
