"""Images that are alike, by features, so that none is held back for itself.

Photos come in series: the same shelf, the same sign, a moment later. Where a
cut puts one into validation and its neighbour into training, validation
scores what was learnt by heart, and thresholds chosen on it leave too early.
"""

import keras
import numpy as np
from scipy.cluster import hierarchy

from elf_keras.data import pipeline, splits
from elf_keras.evaluation import prediction
from elf_keras.models import Pixels
from elf_keras.runs import progress

# Cosine distance, from the mean of all features, up to which the images of
# two groups are alike on average. On photos of groceries a linear probe then
# has 75 % of validation; 73 % on photos of other days, 97 % by a random cut.
DISTANCE = 0.4
# Of a class: the distances of its pairs take 8 bytes each.
MOST_OF_A_CLASS = 5000
_BATCH = 32


def features(
    backbone: keras.Model, pixels: Pixels, examples: splits.Examples
) -> np.ndarray:
    """Mean features of each image, float32 `(images, channels)`.

    Args:
      backbone: from normalized images to a feature map.
      pixels: by which it expects images to be normalized.
    """
    image = keras.Input(examples.images.shape[1:])
    mean, deviation = (np.asarray(each, "float32") for each in pixels)
    maps = backbone((image - mean) / deviation)
    pooled = keras.layers.GlobalAveragePooling2D(dtype="float32")(maps)
    batches = pipeline.evaluation_batches(examples, batch_size=_BATCH)
    images_only = batches.map(lambda images, labels: images)
    counter = progress.Counter("features of images", len(examples))
    return keras.Model(image, pooled).predict(
        images_only,
        verbose=0,
        callbacks=[prediction.Counted(counter, _BATCH)],
    )


def groups(features: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Number the groups of images that are alike, within each class.

    Average linkage of the cosine distances between features less their mean,
    up to `DISTANCE`. Of a class with more than `MOST_OF_A_CLASS` images, each
    further one joins the group of the one it is most alike.

    Args:
      features: `(images, channels)`.
      labels: `(images,)`.

    Returns:
      int `(images,)`; groups of different classes have different numbers.
    """
    centred = features - features.mean(axis=0)
    length = np.linalg.norm(centred, axis=1, keepdims=True)
    unit = centred / np.maximum(length, 1e-12)
    found, first = np.zeros(len(labels), int), 0
    for label in np.unique(labels):
        rows = np.flatnonzero(labels == label)
        found[rows] = first + _of_class(unit[rows])
        first = found.max() + 1
    return found


def _of_class(unit):
    if len(unit) == 1:
        return np.zeros(1, int)
    some = unit[:MOST_OF_A_CLASS]
    # Of vectors of length 1, twice the cosine distance.
    tree = hierarchy.linkage(some, "average", metric="sqeuclidean")
    found = hierarchy.fcluster(tree, 2 * DISTANCE, "distance") - 1
    rest = unit[MOST_OF_A_CLASS:]
    return np.concatenate([found, found[(rest @ some.T).argmax(1)]])
