"""Transfer learning as the Keras guide has it, in plain Keras.

A new dense layer on the frozen backbone with Adam at 1e-3, then all of it at
1e-5, batch norms in inference mode throughout; flips, rotations and zooms;
class weights. The guide trains so many epochs, this one so many seconds, the
last epoch of each part being cut. Kept is the epoch that is best on
validation, by the mean over its classes.

Reference: https://keras.io/guides/transfer_learning
"""

import pathlib
import tempfile
import time

import keras
import numpy as np
from keras import layers

from benchmarks.photos import single_nets, units
from elf_keras.data import splits

BATCH, DROPOUT, TURN, ZOOM = 32, 0.2, 0.1, 0.1
# Learning rate, and the part of all seconds at which it ends.
FROZEN, ALL = (1e-3, 0.25), (1e-5, 1.0)
_EPOCHS = 10_000


def run(
    data: splits.Splits,
    trunk: single_nets.Trunk,
    *,
    seconds: float,
    flip: bool,
    seed: int,
) -> dict:
    """Train for so many seconds; return them and the test scores."""
    keras.utils.set_random_seed(seed)
    began = time.perf_counter()
    classes = len(data.class_names)
    model = build(trunk, data.image_shape, classes, flip=flip)
    course = _train(model, trunk.model, data, began, seconds)
    spent = time.perf_counter() - began
    logits = model.predict(np.asarray(data.test.images), verbose=0)
    scores = single_nets.scores(data, logits.argmax(-1))
    return {"seconds": spent, **course, "scores": {units.TUTORIAL_ROW: scores}}


def build(
    trunk: single_nets.Trunk,
    image_shape: tuple[int, int, int],
    classes: int,
    *,
    flip: bool,
) -> keras.Model:
    """Build the model from images of 0 to 255 to logits."""
    images = keras.Input(image_shape, dtype="uint8")
    found = trunk.normalized(images)
    if flip:
        found = layers.RandomFlip("horizontal")(found)
    found = layers.RandomRotation(TURN)(found)
    found = layers.RandomZoom(ZOOM)(found)
    found = InInference(trunk.model)(found)
    found = layers.GlobalAveragePooling2D()(found)
    found = layers.Dropout(DROPOUT)(found)
    return keras.Model(images, layers.Dense(classes)(found))


class InInference(layers.Layer):
    """Calls a model in inference mode, also while it is trained.

    The guide writes `model(x, training=False)`, which Keras 3 replaces by the
    `training=True` of `fit`: unfrozen batch norms then use those of the batch,
    and the first steps of fine-tuning spoil what was learned.
    """

    def __init__(self, model: keras.Model):
        super().__init__()
        self.model = model

    def call(self, images):
        """Features of normalized images."""
        return self.model(images, training=False)


class Until(keras.callbacks.Callback):
    """Ends a training at a time of `time.perf_counter`, within an epoch."""

    def __init__(self, end: float):
        super().__init__()
        self.end = end

    def on_train_batch_end(self, batch, logs=None):
        """Stop after this batch; the epoch so far is validated."""
        if time.perf_counter() >= self.end:
            self.model.stop_training = True


def balanced(labels: np.ndarray, classes: int) -> np.ndarray:
    """Weight of each class, N / (C n_c); 0 where it has no image."""
    counts = np.bincount(labels, minlength=classes)
    return np.where(counts, len(labels) / (classes * np.maximum(counts, 1)), 0)


def _train(model, trunk, data, began, seconds):
    """Train both parts; the model gets the weights of the best epoch."""
    classes, course = len(data.class_names), []
    images, labels = np.asarray(data.train.images), data.train.labels
    seen = _weighted(data.validation, classes)
    weights = dict(enumerate(balanced(labels, classes)))
    with tempfile.TemporaryDirectory() as folder:
        kept = _best_weights(pathlib.Path(folder, "best.weights.h5"))
        for part, (rate, end) in enumerate((FROZEN, ALL)):
            trunk.trainable = bool(part)
            _compile(model, rate)
            fitted = model.fit(
                images,
                labels,
                batch_size=BATCH,
                epochs=_EPOCHS,
                class_weight=weights,
                validation_data=seen,
                callbacks=[kept, Until(began + end * seconds)],
                verbose=0,
            )
            course.append(fitted.history["val_accuracy"])
        # The same layers, without the state of either optimizer.
        keras.Model(model.inputs, model.outputs).load_weights(kept.filepath)
    return {"validation_accuracies": course, "validation_accuracy": kept.best}


def _weighted(part, classes):
    """Validation whose weighted accuracy is a mean over classes."""
    weights = balanced(part.labels, classes)[part.labels]
    return np.asarray(part.images), part.labels, weights


def _best_weights(path):
    return keras.callbacks.ModelCheckpoint(
        path,
        monitor="val_accuracy",
        mode="max",
        save_best_only=True,
        save_weights_only=True,
    )


def _compile(model, rate):
    model.compile(
        keras.optimizers.Adam(rate),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        weighted_metrics=["accuracy"],
    )
