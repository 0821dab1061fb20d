"""Frozen layers of a backbone: which, and that they stay."""

import numpy as np
import pytest

from elf_keras import losses, models
from elf_keras.errors import InputError
from elf_keras.losses.objective import CumulativeLoss
from elf_keras.training import optimizer

SHAPE = (16, 16, 3)


def built():
    return models.build(SHAPE, 3, backbone="resnet8", exits="2")


def trained(model):
    """Names of the layers whose weights a step of training changes."""
    before = {layer.name: layer.get_weights() for layer in model.layers}
    loss = CumulativeLoss(losses.exit_loss("ce", [4, 4, 4]), 3)
    model.compile(optimizer.CoupledSGD(0.5), loss)
    images = np.random.default_rng(0).integers(256, size=(6, *SHAPE))
    model.train_on_batch(images.astype("uint8"), np.arange(6) % 3)
    return {
        layer.name
        for layer in model.layers
        if any(
            (old != new).any()
            for old, new in zip(
                before[layer.name], layer.get_weights(), strict=True
            )
        )
    }


@pytest.mark.slow
def test_up_to_a_layer_all_stays_and_the_rest_is_trained():
    model = built()
    tap = models.tap_names(model)[0]
    models.freeze(model, until=tap)
    stage, *_ = models.stages(model)
    below = {layer.name for layer in stage.layers if layer.weights}
    below -= {name for name in below if name.startswith("exit_")}
    weighted = {layer.name for layer in model.layers if layer.weights}
    assert below
    assert trained(model) == weighted - below


@pytest.mark.slow
def test_frozen_norms_keep_their_statistics_but_not_those_of_heads():
    model = built()
    models.freeze(model, norms=True)
    changed = trained(model)
    norms = {layer.name for layer in model.layers if "norm" in layer.name}
    norms -= {"normalize"}
    assert {name for name in norms if name.startswith("exit_")} <= changed
    assert not {n for n in norms if not n.startswith("exit_")} & changed
    assert any("conv" in name for name in changed)


@pytest.mark.parametrize("name", ["block_99", "exit_1"])
def test_a_layer_that_is_none_of_the_backbone_is_refused(name):
    with pytest.raises(InputError, match=f"--frozen_until={name}: .*nearest"):
        models.freeze(built(), until=name)
