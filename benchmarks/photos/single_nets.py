"""What networks of a single exit are made of, and how they are scored."""

import dataclasses

import keras
import numpy as np
from keras import layers

from elf_keras.data import long_tail, splits
from elf_keras.evaluation import metrics
from elf_keras.models.backbones import published_weights
from elf_keras.models.backbones.tapped import Pixels

_BATCH = 64


@dataclasses.dataclass(frozen=True, eq=False)
class Trunk:
    """A network without its classifier, and the images that it expects.

    Attributes:
      model: from normalized images to features `(batch, height, width, …)`.
      pixels: how they are normalized.
    """

    model: keras.Model
    pixels: Pixels

    def normalized(self, images: keras.KerasTensor) -> keras.KerasTensor:
        """Values of 0 to 255 as the network expects them."""
        mean, deviation = self.pixels
        return layers.Rescaling(1 / deviation, -mean / deviation)(images)


def pretrained(image_shape: tuple[int, int, int]) -> Trunk:
    """Load the backbone that all methods start from."""
    name = published_weights.BACKBONE
    return Trunk(*published_weights.load(name, image_shape))


def features(trunk: Trunk, images: np.ndarray) -> np.ndarray:
    """Mean features of images of 0 to 255, `(images, features)`."""
    given = keras.Input(images.shape[1:], dtype="uint8")
    found = trunk.model(trunk.normalized(given), training=False)
    model = keras.Model(given, layers.GlobalAveragePooling2D()(found))
    return model.predict(images, batch_size=_BATCH, verbose=0)


def scores(data: splits.Splits, predicted: np.ndarray) -> dict:
    """Scores on test, by the definitions of `elf_keras.evaluate`."""
    labels, classes = data.test.labels, len(data.class_names)
    per_class = metrics.per_class_accuracy(predicted, labels, classes=classes)
    groups = long_tail.shot_groups(data.class_counts)
    return {
        "accuracy": float(np.nanmean(per_class)),
        "top1": float(np.mean(predicted == labels)),
        **metrics.group_accuracy(per_class, groups),
        # Of the bare backbone, whose own classifier counts.
        "macs": 1.0,
    }
