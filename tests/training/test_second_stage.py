"""What a second stage trains, what it leaves alone, and what remains of it."""

import numpy as np
import pytest
import tiny
from run_states import same

from elf_keras import losses, models
from elf_keras.evaluation import prediction
from elf_keras.losses.objective import CumulativeLoss
from elf_keras.training import optimizer, second_stage

CLASSES = 3
IMAGE = (8, 8, 1)
# Class vectors (3, 4), (0, 2), (-1, 0): of length 5, 2, 1.
KERNEL = np.array([[3.0, 0.0, -1.0], [4.0, 2.0, 0.0]])
BIAS = np.array([0.5, -0.25, 1.0])
COUNTS = np.array([80, 15, 5])
FEATURE = np.array([2.0, 1.0])


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


@pytest.mark.slow
def test_lws_trains_one_number_a_class_and_classifier():
    source = built()
    before, expected = by_layer(source), source(images())
    model = second_stage.scaled(source)
    for name, logits in model(images()).items():
        np.testing.assert_allclose(logits, expected[name], rtol=1e-6)
    # A scale multiplies the bias, too.
    second_stage.classifiers(model)[1].scale.assign([2.0, 0.5, -1.0])
    np.testing.assert_allclose(
        model(images())["exit_2"],
        expected["exit_2"] * np.array([2.0, 0.5, -1.0]),
        rtol=1e-5,
    )
    trained(model)
    assert [w.shape for w in model.trainable_weights] == [(CLASSES,)] * 2
    classifiers = second_stage.classifiers(model)
    for layer in classifiers:
        fixed = [np.array(layer.kernel), np.array(layer.bias)]
        assert same(fixed, before[layer.name])
        assert (np.array(layer.scale) != 1).all()
    for layer in model.layers:
        if layer not in classifiers:
            assert same(layer.get_weights(), before[layer.name]), layer.name


@pytest.mark.slow
@pytest.mark.parametrize("name", second_stage.TRAINED_STAGES)
def test_what_remains_is_an_ordinary_model_of_the_same_scores(name, tmp_path):
    model = trained(second_stage.TRAINED_STAGES[name](built()))
    expected = model(images(), training=False)
    done = second_stage.finished(model)
    ordinary = built()
    kinds = [type(layer).__name__ for layer in ordinary.layers]
    assert sorted(type(layer).__name__ for layer in done.layers) == sorted(
        kinds
    )
    assert len(done.trainable_weights) == len(ordinary.trainable_weights)
    models.save(done, tmp_path / "model.keras")
    loaded = models.load(tmp_path / "model.keras")
    found = loaded(images(), training=False)
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


def changed(rule, tau):
    log_priors = np.log(COUNTS / 100)
    multipliers, bias = rule(KERNEL, BIAS, log_priors, tau)
    return KERNEL * multipliers, bias


@pytest.mark.parametrize(
    ("tau", "scores"),
    [
        # f·w = 10, 2, -2, divided by 1, by 5 2 1, by 25 4 1.
        (0.0, [10, 2, -2]),
        (1.0, [2, 1, -2]),
        (2.0, [0.4, 0.5, -2]),
    ],
)
def test_tau_norm_by_hand(tau, scores):
    kernel, bias = changed(second_stage.tau_norm, tau)
    np.testing.assert_array_equal(bias, 0)
    np.testing.assert_allclose(FEATURE @ kernel, scores)


def test_a_class_vector_of_zero_stays_zero():
    zero = np.zeros((2, 3))
    multipliers, _ = second_stage.tau_norm(zero, BIAS, BIAS, 2.0)
    np.testing.assert_array_equal(zero * multipliers, 0)


def test_logit_adjustment_by_hand():
    # Scores 10.5, 1.75, -1 and minus the logarithms of 0.8, 0.15, 0.05.
    kernel, bias = changed(second_stage.logit_adjustment, 1.0)
    expected = [10.5 + 0.223144, 1.75 + 1.897120, -1.0 + 2.995732]
    np.testing.assert_allclose(FEATURE @ kernel + bias, expected, rtol=1e-6)


@pytest.mark.parametrize("name", second_stage.RULES)
def test_every_exit_changes_and_nothing_else(name):
    model = tiny.model(seed=3)
    before = by_layer(model)
    second_stage.change(model, second_stage.RULES[name], COUNTS, 1.0)
    for layer in model.layers:
        alike = same(before[layer.name], layer.get_weights())
        assert alike == (layer not in second_stage.classifiers(model))
    for layer in second_stage.classifiers(model):
        old_kernel, old_bias = before[layer.name]
        kernel, bias = layer.get_weights()
        if name == "tau_norm":
            lengths = np.sqrt((kernel**2).sum(0))
            np.testing.assert_allclose(lengths, 1, rtol=1e-5)
        else:
            np.testing.assert_array_equal(kernel, old_kernel)
            np.testing.assert_allclose(
                bias - old_bias, -np.log(COUNTS / 100), rtol=1e-5
            )


@pytest.mark.parametrize("name", second_stage.RULES)
def test_accuracies_are_those_of_models_that_were_changed(name, monkeypatch):
    model = tiny.model(seed=3)
    for layer in second_stage.classifiers(model):
        kernel, bias = layer.get_weights()
        layer.set_weights([kernel * [1, 2, 3], bias + [0.5, 0.0, -0.5]])
    start = model.get_weights()
    examples = tiny.examples((300, 40, 8), seed=4)
    weights = np.full(348, 1 / 348)
    # In two parts.
    monkeypatch.setattr(prediction, "PART_BYTES", 4 * 6 * 256)
    rule = second_stage.RULES[name]
    found = second_stage.accuracies(model, rule, COUNTS, examples, weights)
    assert len(set(found)) > 1
    for place in (0, 10, 20):
        model.set_weights(start)
        second_stage.change(model, rule, COUNTS, place / 10)
        scores = prediction.predict_logits(model, examples)[:, -1]
        expected = (scores.argmax(-1) == examples.labels).mean()
        # A score or two may be equal but for rounding.
        assert found[place] == pytest.approx(expected, abs=2 / 348)
