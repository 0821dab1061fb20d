"""Smaller images in training: the same weights, on images resized before."""

import keras
import numpy as np
import pytest
import tiny

from elf_keras import losses, models
from elf_keras.errors import InputError
from elf_keras.losses.objective import CumulativeLoss
from elf_keras.training import optimizer
from elf_keras.training.resized_pass import ResizedPass

CLASSES = 3


def model(side):
    keras.utils.set_random_seed(0)
    # Without heads, which reduce maps by their size.
    return models.build(
        (side, side, 3), CLASSES, backbone="resnet8", exits="none"
    )


def images(count=6, side=24):
    random = np.random.default_rng(1)
    return random.integers(256, size=(count, side, side, 3)).astype("uint8")


def test_outputs_are_those_of_the_model_of_that_size():
    """The reference is built for 16 pixels and has the weights of the other."""
    large, small = model(24), model(16)
    small.set_weights(large.get_weights())
    labels = np.arange(6) % CLASSES
    found, same = ResizedPass(large, 16)(images(), labels)
    # 24 pixels are 48 halves, of which three make one of 16.
    halves = images().repeat(2, axis=1).repeat(2, axis=2)
    resized = halves.reshape(6, 16, 3, 16, 3, 3).mean((2, 4))
    expected = small(resized, training=True)
    assert same is labels
    for name, logits in expected.items():
        np.testing.assert_allclose(found[name], logits, rtol=1e-4, atol=1e-5)
    # Batch statistics moved alike.
    for one, other in zip(large.weights, small.weights, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-6)


@pytest.mark.slow
def test_a_model_is_fitted_by_it_and_answers_at_its_own_size():
    built = model(24)
    loss = CumulativeLoss(losses.exit_loss("ce", [4, 4, 4]), CLASSES)
    rate = optimizer.CoupledSGD(0.01)
    built.compile(rate, loss, training_pass=ResizedPass(built, 16))
    before = built.get_weights()
    labels = (np.arange(12) % CLASSES).astype("int32")
    built.fit(images(12), labels, batch_size=5, verbose=0)
    assert any(
        np.any(old != new)
        for old, new in zip(before, built.get_weights(), strict=True)
    )
    assert built.predict(images(), verbose=0)["exit_1"].shape == (6, CLASSES)


def test_a_model_of_one_size_is_refused():
    with pytest.raises(
        InputError, match="training_size=1: tiny takes images of 2 pixels"
    ):
        ResizedPass(tiny.model(), 1)
