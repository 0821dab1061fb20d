"""The growth of the first convolution's weights, by hand."""

import keras
import numpy as np
import pytest

from elf_keras import models
from experiments import first_convolution


def test_a_fresh_model_has_grown_by_nothing_and_a_scaled_one_threefold():
    keras.utils.set_random_seed(0)
    model = models.build((32, 32, 3), 10, backbone="resnet20")
    fresh = first_convolution.growth(model)
    assert fresh == pytest.approx(1, abs=0.1)
    layer = next(
        each for each in model.layers if isinstance(each, keras.layers.Conv2D)
    )
    layer.set_weights([3 * np.asarray(layer.kernel)])
    assert first_convolution.growth(model) == pytest.approx(3 * fresh)
