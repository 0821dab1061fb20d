"""What a second stage trains, what it leaves alone, and what remains of it."""

import numpy as np
import pytest
import tiny

from elf_keras import losses, models
from elf_keras.losses.objective import CumulativeLoss
from elf_keras.training import optimizer, second_stage

CLASSES = 3
IMAGE = (8, 8, 1)


def built(*, cosine=False):
    """A network with batch norm and two exits, its statistics not at 0, 1."""
    model = models.build(
        IMAGE,
        CLASSES,
        backbone="resnet8",
        exits="2",
        heads=models.Heads(cosine=cosine),
    )
    random = np.random.default_rng(0)
    model.set_weights(
        [random.uniform(0.1, 0.5, w.shape) for w in model.get_weights()]
    )
    return model


def images():
    random = np.random.default_rng(1)
    return random.integers(256, size=(12, *IMAGE)).astype("float32")


def trained(model, loss="ce"):
    objective = CumulativeLoss(losses.exit_loss(loss, [9, 6, 3]), CLASSES)
    model.compile(optimizer.CoupledSGD(0.1), objective)
    model.fit(images(), np.arange(12) % 3, batch_size=6, epochs=2, verbose=0)
    return model


def by_layer(model):
    return {layer.name: layer.get_weights() for layer in model.layers}


def same(one, other):
    return all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))


@pytest.mark.parametrize("cosine", [False, True])
def test_crt_leaves_everything_but_the_classifiers_bit_for_bit(cosine):
    model = built(cosine=cosine)
    before = by_layer(model)
    assert any("moving" in weight.path for weight in model.weights)
    trained(second_stage.retrained(model), "ldam" if cosine else "ce")
    for name, weights in by_layer(model).items():
        changed = name in model.output_names
        assert same(weights, before[name]) != changed, name


def test_crt_begins_with_classifiers_of_its_own():
    model = second_stage.retrained(built())
    (kernel, bias), (other, _) = (
        layer.get_weights() for layer in second_stage.classifiers(model)
    )
    np.testing.assert_array_equal(bias, 0)
    # Glorot's bound; the old weights were all above 0.1.
    bound = np.sqrt(6 / sum(kernel.shape))
    assert -bound < kernel.min() < 0 < kernel.max() < bound
    assert not np.allclose(kernel, other)


def test_lws_trains_one_number_a_class_and_classifier():
    source = built()
    before = by_layer(source)
    model = trained(second_stage.scaled(source))
    assert [w.shape for w in model.trainable_weights] == [(CLASSES,)] * 2
    classifiers = second_stage.classifiers(model)
    for layer in classifiers:
        fixed = [np.array(layer.kernel), np.array(layer.bias)]
        assert same(fixed, before[layer.name])
        assert (np.array(layer.scale) != 1).all()
    for layer in model.layers:
        if layer not in classifiers:
            assert same(layer.get_weights(), before[layer.name]), layer.name


def test_scales_are_kept_in_files_of_weights(tmp_path):
    model = trained(second_stage.scaled(built()))
    path = tmp_path / "model.weights.h5"
    model.save_weights(path)
    other = second_stage.scaled(built())
    assert not same(other.get_weights(), model.get_weights())
    other.load_weights(path)
    assert same(other.get_weights(), model.get_weights())


def test_lws_starts_where_the_trained_model_is():
    source = built()
    expected = source(images())
    found = second_stage.scaled(source)(images())
    for name in expected:
        np.testing.assert_allclose(found[name], expected[name], rtol=1e-6)


def test_a_scale_multiplies_the_bias_too():
    model = second_stage.scaled(built())
    (layer, _) = second_stage.classifiers(model)
    features = np.ones((1, layer.kernel.shape[0]), "float32")
    before = np.array(layer(features))
    layer.scale.assign([2.0, 0.5, -1.0])
    expected = before * [2.0, 0.5, -1.0]
    np.testing.assert_allclose(layer(features), expected, rtol=1e-6)


@pytest.mark.parametrize("name", second_stage.TRAINED_STAGES)
def test_what_remains_is_an_ordinary_model_of_the_same_scores(name, tmp_path):
    model = trained(second_stage.TRAINED_STAGES[name](built()))
    expected = model.predict(images(), verbose=0)
    done = second_stage.finished(model)
    ordinary = built()
    kinds = [type(layer).__name__ for layer in ordinary.layers]
    assert sorted(type(layer).__name__ for layer in done.layers) == sorted(
        kinds
    )
    assert len(done.trainable_weights) == len(ordinary.trainable_weights)
    models.save(done, tmp_path / "model.keras")
    loaded = models.load(tmp_path / "model.keras")
    found = loaded.predict(images(), verbose=0)
    for key, scores in expected.items():
        np.testing.assert_allclose(found[key], scores, rtol=1e-5, atol=1e-5)
    assert len(loaded.trainable_weights) == len(ordinary.trainable_weights)
    stages = models.stages(loaded)
    first = stages[0](images())
    last = stages[1](first["features"])
    np.testing.assert_allclose(
        last["exit_2"], expected["exit_2"], rtol=1e-4, atol=1e-4
    )
    assert models.tap_names(loaded) == models.tap_names(ordinary)


def test_a_model_without_second_stage_stays_itself():
    model = tiny.model()
    assert second_stage.finished(model) is model
