"""Groups of images that are alike: series stay whole, classes stay apart."""

import keras
import numpy as np

from elf_keras.data import splits
from elf_keras.models import Pixels
from elf_keras.training import alike


def series(count, length, seed=0):
    """Far-apart directions, each seen several times with little noise."""
    random = np.random.default_rng(seed)
    centres = random.standard_normal((count, 64))
    noise = random.standard_normal((count * length, 64))
    return np.repeat(centres, length, axis=0) + 0.2 * noise


def test_a_series_is_one_group_and_another_is_another():
    features = series(6, 5)
    labels = np.repeat([0, 1], 15)
    found = alike.groups(features, labels).reshape(6, 5)
    assert (found == found[:, :1]).all()
    assert len(np.unique(found)) == 6


def test_the_same_image_in_two_classes_is_in_two_groups():
    features = np.repeat(series(3, 1), 2, axis=0)
    found = alike.groups(features, np.array([0, 1] * 3))
    assert len(np.unique(found)) == 6


def test_images_beyond_the_most_join_the_group_they_are_like(monkeypatch):
    features = np.tile(series(4, 1), (5, 1))
    features += 0.01 * series(20, 1, seed=1)
    monkeypatch.setattr(alike, "MOST_OF_A_CLASS", 8)
    found = alike.groups(features, np.zeros(20, int)).reshape(5, 4)
    assert (found == found[0]).all()
    assert len(np.unique(found)) == 4


def test_features_that_say_nothing_are_no_error():
    found = alike.groups(np.ones((4, 8)), np.array([0, 0, 1, 2]))
    assert found[0] == found[1] != found[2] != found[3]


def test_features_are_means_of_the_maps_of_normalized_images():
    image = keras.Input((4, 4, 3))
    backbone = keras.Model(image, keras.layers.AveragePooling2D(2)(image))
    images = np.random.default_rng(0).integers(256, size=(3, 4, 4, 3))
    examples = splits.Examples(
        images.astype("uint8"), np.arange(3, dtype="int32"), ("a", "b", "c")
    )
    found = alike.features(backbone, Pixels(127.0, 128.0), examples)
    by_hand = (images.mean(axis=(1, 2)) - 127) / 128
    np.testing.assert_allclose(found, by_hand, rtol=1e-4, atol=1e-5)
