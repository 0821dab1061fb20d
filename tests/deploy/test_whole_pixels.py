"""Normalization in whole numbers, against the model as it was."""

import keras
import numpy as np
import pytest
from keras import layers

from elf_keras.deploy import tflite_chain, whole_pixels
from elf_keras.deploy.measure import open_files
from elf_keras.models.multi_exit_model import MultiExitModel

MEAN, DEVIATION = (120.0, 120.0, 120.0), (60.0, 50.0, 70.0)


def built(*, twice=False):
    keras.utils.set_random_seed(0)
    image = keras.Input((8, 8, 3), name="image")
    scale = [1 / deviation for deviation in DEVIATION]
    offset = [-m / d for m, d in zip(MEAN, DEVIATION, strict=True)]
    pixels = layers.Rescaling(scale, offset, name="normalize")(image)
    x = layers.Conv2D(4, 3, padding="same", name="stem")(pixels)
    if twice:
        x = layers.Concatenate()([x, pixels])
    x = layers.GlobalAveragePooling2D()(layers.ReLU()(x))
    scores = layers.Dense(3, name="exit_1")(x)
    return MultiExitModel(image, {"exit_1": scores})


@pytest.fixture(scope="module")
def images():
    return np.random.default_rng(0).integers(0, 256, (20, 8, 8, 3), "uint8")


def answers(model, images):
    return np.asarray(model(images.astype("float32"))["exit_1"])


def test_the_model_answers_as_before(images):
    """Borders of zeros, too; and pixels are only moved by their mean."""
    model = built()
    expected = answers(model, images)
    whole_pixels.in_place(model)
    np.testing.assert_allclose(answers(model, images), expected, atol=1e-5)
    normalize = model.get_layer("normalize")
    assert normalize.scale == 1
    np.testing.assert_allclose(normalize.offset, np.negative(MEAN))


def test_pixels_that_others_read_stay(images):
    model = built(twice=True)
    scale = list(model.get_layer("normalize").scale)
    whole_pixels.in_place(model)
    assert model.get_layer("normalize").scale == scale


@pytest.mark.slow
def test_integers_keep_every_level(images, tmp_path):
    """The first tensor after the image has the image's step."""
    tflite_chain.write(built(), tmp_path, variants=["int8"], images=images)
    (stage,) = open_files(tmp_path / "int8", "stage")
    steps = [
        at["quantization"][0]
        for at in stage._interpreter.get_tensor_details()
        if at["shape"].tolist() == [1, 8, 8, 3] and at["dtype"] is np.int8
    ]
    assert len(steps) >= 2
    np.testing.assert_allclose(steps, 1, rtol=0.01)
