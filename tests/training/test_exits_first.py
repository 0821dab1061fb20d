"""Exits before the rest: the backbone stays, the last exit is the probe."""

import keras
import numpy as np
import pytest
import tiny

from elf_keras import losses
from elf_keras.errors import InputError
from elf_keras.evaluation import prediction
from elf_keras.losses.objective import CumulativeLoss
from elf_keras.models.exit_heads import CosineClassifier
from elf_keras.models.multi_exit_model import MultiExitModel
from elf_keras.training import exits_first, held_features, linear_probe

pytestmark = pytest.mark.slow


def objective():
    return CumulativeLoss(losses.exit_loss("ce", [9, 6, 3]), tiny.CLASSES)


def trained(model, *, steps=3000, data=None, seed=0):
    return exits_first.train(
        model,
        data or tiny.data(),
        objective(),
        steps=steps,
        seed=seed,
        weights=tiny.scorer().weights,
    )


@pytest.fixture(scope="module")
def learned():
    """A model before and after its exits learned: logits, weights, record."""
    model, data = tiny.model(), tiny.data()
    before = {layer.name: layer.get_weights() for layer in model.layers}
    logits = prediction.predict_logits(model, data.train)
    return model, before, logits, trained(model)


def test_the_backbone_stays_and_the_exits_learn(learned):
    model, before, logits, record = learned
    train = tiny.data().train
    for name in ("hidden", "deep"):
        for old, new in zip(
            before[name], model.get_layer(name).get_weights(), strict=True
        ):
            np.testing.assert_array_equal(old, new)
    found = prediction.predict_logits(model, train)
    right = (found.argmax(-1) == train.labels[:, None]).mean(0)
    at_first = (logits.argmax(-1) == train.labels[:, None]).mean(0)
    assert (right >= [0.9, 0.9]).all()
    assert at_first.max() < 0.9
    assert (record.images, record.steps) == (18, 3000)
    assert "linear probe" in record.sentence


def test_weights_that_give_no_numbers_are_refused():
    features = np.full((3, 2), np.nan, np.float16)
    held = held_features.Held([features], np.arange(3))
    with pytest.raises(InputError, match="features of the backbone are no"):
        exits_first._probe(tiny.model(), held, None, tiny.scorer().weights)


def test_the_last_exit_is_the_probe_of_its_features(learned):
    model, _, _, record = learned
    fresh, data = tiny.model(), tiny.data()
    features = keras.Model(
        fresh.inputs[0], fresh.get_layer("exit_2_pool").output
    )
    # As they are held: in half precision.
    part = [
        features.predict(each.images, verbose=0).astype("float16")
        for each in (data.train, data.validation)
    ]
    labels = data.validation.labels
    probe = linear_probe.fit(
        part[0].astype("float32"),
        data.train.labels,
        (part[1].astype("float32"), labels, tiny.scorer().weights(labels)),
    )
    kernel, bias = model.get_layer("exit_2").get_weights()
    np.testing.assert_allclose(kernel, probe.kernel, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(bias, probe.bias, rtol=1e-4, atol=1e-5)
    assert record.probe_accuracy == probe.accuracy


def test_a_cosine_classifier_is_trained_as_the_other_exits_are():
    model = tiny.model()
    pooled = model.get_layer("exit_2_pool").output
    outputs = model.output | {
        "exit_2": CosineClassifier(tiny.CLASSES, name="exit_2")(pooled)
    }
    model = MultiExitModel(model.inputs[0], outputs)
    before = model.get_layer("exit_2").get_weights()[0]
    trained(model, steps=30)
    assert np.abs(model.get_layer("exit_2").get_weights()[0] - before).max() > 0


def test_the_same_seed_gives_the_same_exits():
    one, other = tiny.model(), tiny.model()
    for model in (one, other):
        trained(model, steps=5)
    for a, b in zip(one.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_without_validation_or_early_exits():
    model = tiny.model()
    record = trained(model, data=tiny.data(validation=False), steps=1)
    assert record.probe_accuracy is None
    assert "no validation" in record.sentence


def test_a_limit_of_images_keeps_rare_classes_whole():
    """Of 9, 6 and 3 images at most 3 a class."""
    record = exits_first.train(
        tiny.model(),
        tiny.data(),
        objective(),
        steps=1,
        seed=0,
        weights=tiny.scorer().weights,
        most_images=10,
    )
    assert record.images == 9
