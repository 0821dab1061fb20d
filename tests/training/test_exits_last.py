"""Early exits once more: they learn, nothing else moves, or nothing does."""

import numpy as np
import pytest
import tiny

from elf_keras import losses
from elf_keras.evaluation import prediction
from elf_keras.losses.objective import CumulativeLoss
from elf_keras.models.exit_heads import CosineClassifier
from elf_keras.models.multi_exit_model import MultiExitModel
from elf_keras.training import exits_last


def trained(model, *, steps=3000, data=None, loss="ce"):
    return exits_last.train(
        model,
        data or tiny.data(),
        CumulativeLoss(losses.exit_loss(loss, [9, 6, 3]), tiny.CLASSES),
        tiny.scorer(),
        steps=steps,
        seed=0,
    )


@pytest.mark.slow
def test_a_last_exit_of_cosines_stays_too():
    model = tiny.model()
    pooled = model.get_layer("exit_2_pool").output
    last = CosineClassifier(tiny.CLASSES, name="exit_2")(pooled)
    model = MultiExitModel(model.inputs[0], model.output | {"exit_2": last})
    before = {layer.name: layer.get_weights() for layer in model.layers}
    # Without validation what was trained is kept.
    trained(model, steps=30, data=tiny.data(validation=False))
    (kernel,) = model.get_layer("exit_2").get_weights()
    np.testing.assert_array_equal(kernel, before["exit_2"][0])
    changed = model.get_layer("exit_1").get_weights()[0] - before["exit_1"][0]
    assert np.abs(changed).max() > 0


def spoiled():
    """A model whose first exit takes every image for the first class."""
    model = tiny.model()
    kernel, bias = model.get_layer("exit_1").get_weights()
    bias[:] = [3.0, 0.0, 0.0]
    model.get_layer("exit_1").set_weights([0 * kernel, bias])
    return model


@pytest.mark.slow
def test_early_exits_learn_and_all_else_stays():
    model, data = spoiled(), tiny.data()
    before = {layer.name: layer.get_weights() for layer in model.layers}
    logits = prediction.predict_logits(model, data.validation)
    record = trained(model)
    for name in ("hidden", "deep", "exit_2"):
        for old, new in zip(
            before[name], model.get_layer(name).get_weights(), strict=True
        ):
            np.testing.assert_array_equal(old, new)
    found = prediction.predict_logits(model, data.validation)
    np.testing.assert_array_equal(found[:, 1], logits[:, 1])
    # By hand: a mean over classes, then over exits.
    labels = data.validation.labels
    means = [
        np.mean(
            [
                (each[labels == c].argmax(-1) == c).mean(0)
                for c in range(tiny.CLASSES)
            ]
        )
        for each in (logits, found)
    ]
    assert (record.before, record.after) == pytest.approx(means)
    assert record.after > record.before + 0.2
    assert record.kept
    assert f"{100 * record.after:.1f} % on validation" in record.sentence


@pytest.mark.slow
def test_exits_that_validation_likes_less_are_not_kept():
    model = tiny.model()
    trained(model)
    before = model.get_weights()
    data = tiny.data()
    # Trained on labels that are all of the next class.
    data.train.labels[:] = (data.train.labels + 1) % tiny.CLASSES
    record = trained(model, data=data)
    assert not record.kept
    assert record.after < record.before
    assert record.sentence.endswith("not kept")
    for old, new in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)


@pytest.mark.slow
def test_without_validation_they_are_kept():
    model = spoiled()
    before = model.get_layer("exit_1").get_weights()
    record = trained(model, data=tiny.data(validation=False), steps=5)
    assert (record.before, record.after, record.kept) == (None, None, True)
    assert "%" not in record.sentence
    assert not np.array_equal(
        model.get_layer("exit_1").get_weights()[1], before[1]
    )
