"""A model of two dense exits and splits of a few pixels, trained at once."""

import keras
import numpy as np

from elf_keras import losses
from elf_keras.data import splits
from elf_keras.data.batches import Batches
from elf_keras.evaluation.scorer import Scorer
from elf_keras.exits.thresholds import ExitThresholds
from elf_keras.losses.objective import CumulativeLoss
from elf_keras.models.multi_exit_model import MultiExitModel
from elf_keras.training import epoch_run, optimizer
from elf_keras.training.weight_average import WeightAverage

CLASSES = 3
SHAPE = (2, 2, 1)


def model(*, classes=CLASSES, seed=0) -> MultiExitModel:
    """Dense layers under the names that stages and costs look for."""
    keras.utils.set_random_seed(seed)
    layers = keras.layers
    image = keras.Input(SHAPE, name="image")
    pixels = layers.Flatten(name="pixels")(layers.Rescaling(1 / 255)(image))
    hidden = layers.Dense(5, activation="relu", name="hidden")(pixels)
    tap = layers.Identity(name="exit_1_tap")(hidden)
    deep = layers.Dense(5, activation="relu", name="deep")(hidden)
    pooled = layers.Identity(name="exit_2_pool")(deep)
    outputs = {
        "exit_1": layers.Dense(classes, name="exit_1")(tap),
        "exit_2": layers.Dense(classes, name="exit_2")(pooled),
    }
    return MultiExitModel(image, outputs, name="tiny")


def compiled(*, rate=0.1, threshold=0.6, seed=0) -> MultiExitModel:
    """The model with the project's optimizer and objective."""
    built = model(seed=seed)
    loss = CumulativeLoss(
        losses.exit_loss("ce", [9, 6, 3]), CLASSES, train_threshold=threshold
    )
    built.compile(optimizer.CoupledSGD(rate), loss)
    return built


def examples(counts, seed=0) -> splits.Examples:
    """Noise whose brightness tells the class."""
    random = np.random.default_rng(seed)
    labels = np.repeat(np.arange(len(counts)), counts)
    noise = random.integers(50, size=(len(labels), *SHAPE))
    images = noise + 90 * labels[:, None, None, None]
    names = tuple(f"{seed}-{index}" for index in range(len(labels)))
    return splits.Examples(
        images.astype("uint8"), labels.astype("int32"), names
    )


def data(*, validation=True) -> splits.Splits:
    """Splits with class counts 9, 6, 3 (less in what is scored)."""
    return splits.Splits(
        train=examples((9, 6, 3), seed=1),
        validation=examples((4, 2, 1), seed=2) if validation else None,
        test=examples((3, 3, 3), seed=3),
        class_names=("dark", "grey", "light"),
        class_counts=np.array([13, 8, 4]),
    )


def scorer(**options) -> Scorer:
    """What scores it, without the costs that a training does not look at."""
    limits = ExitThresholds.shared(0.4, 2)
    given = {"shot_groups": {}, "costs": None, "thresholds": limits}
    return Scorer(CLASSES, **{**given, **options})


def training(
    built, plan, *, batch=5, seed=0, parts=None, decay=0.0
) -> epoch_run.Training:
    """All that `loop.fit` trains by; `plan` is a schedule."""
    batches = Batches(batch, seed)
    average = WeightAverage(built, decay) if decay else None
    return epoch_run.Training(
        built, parts or data(), scorer(), plan, batches, average
    )


def schedule(epochs, *, rate=lambda epoch: 0.1, reweight_epoch=0):
    """A schedule with weights that are easily told from 1."""
    return epoch_run.Schedule(
        epochs=epochs,
        learning_rate=rate,
        reweight_epoch=reweight_epoch,
        class_weights=np.array([0.5, 1.0, 1.5]),
    )
