"""τ-normalization and logit adjustment, by hand on fixed weights."""

import numpy as np
import pytest
import tiny

from elf_keras.evaluation import prediction
from elf_keras.training import post_hoc
from elf_keras.training.second_stage import classifiers

# Class vectors (3, 4), (0, 2), (-1, 0): of length 5, 2, 1.
KERNEL = np.array([[3.0, 0.0, -1.0], [4.0, 2.0, 0.0]])
BIAS = np.array([0.5, -0.25, 1.0])
COUNTS = np.array([80, 15, 5])
FEATURE = np.array([2.0, 1.0])


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
    kernel, bias = changed(post_hoc.tau_norm, tau)
    np.testing.assert_array_equal(bias, 0)
    np.testing.assert_allclose(FEATURE @ kernel, scores)


def test_tau_of_one_makes_unit_vectors_in_the_same_direction():
    kernel, _ = changed(post_hoc.tau_norm, 1.0)
    expected = [[0.6, 0.0, -1.0], [0.8, 1.0, 0.0]]
    np.testing.assert_allclose(kernel, expected)


def test_a_class_vector_of_zero_stays_zero():
    zero = np.zeros((2, 3))
    multipliers, _ = post_hoc.tau_norm(zero, BIAS, BIAS, 2.0)
    np.testing.assert_array_equal(zero * multipliers, 0)


def test_logit_adjustment_by_hand():
    # Scores 10.5, 1.75, -1 and minus the logarithms of 0.8, 0.15, 0.05.
    kernel, bias = changed(post_hoc.logit_adjustment, 1.0)
    expected = [10.5 + 0.223144, 1.75 + 1.897120, -1.0 + 2.995732]
    np.testing.assert_allclose(FEATURE @ kernel + bias, expected, rtol=1e-6)


def test_logit_adjustment_divides_probabilities_by_the_priors():
    kernel, bias = changed(post_hoc.logit_adjustment, 1.0)
    before = np.exp(FEATURE @ KERNEL + BIAS) / (COUNTS / 100)
    after = np.exp(FEATURE @ kernel + bias)
    np.testing.assert_allclose(after / after.sum(), before / before.sum())


@pytest.mark.parametrize("name", post_hoc.RULES)
def test_every_exit_changes_and_nothing_else(name):
    model = tiny.model(seed=3)
    before = {layer.name: layer.get_weights() for layer in model.layers}
    post_hoc.change(model, post_hoc.RULES[name], COUNTS, 1.0)
    for layer in model.layers:
        same = all(
            np.array_equal(one, other)
            for one, other in zip(
                before[layer.name], layer.get_weights(), strict=True
            )
        )
        assert same == (layer not in classifiers(model))
    for layer in classifiers(model):
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


@pytest.mark.parametrize("name", post_hoc.RULES)
def test_accuracies_are_those_of_models_that_were_changed(name, monkeypatch):
    model = tiny.model(seed=3)
    for layer in classifiers(model):
        kernel, bias = layer.get_weights()
        layer.set_weights([kernel * [1, 2, 3], bias + [0.5, 0.0, -0.5]])
    start = model.get_weights()
    examples = tiny.examples((300, 40, 8), seed=4)
    weights = np.full(348, 1 / 348)
    # In two parts.
    monkeypatch.setattr(prediction, "PART_BYTES", 4 * 6 * 256)
    rule = post_hoc.RULES[name]
    found = post_hoc.accuracies(model, rule, COUNTS, examples, weights)
    assert len(set(found)) > 1
    for place in (0, 10, 20):
        model.set_weights(start)
        post_hoc.change(model, rule, COUNTS, place / 10)
        scores = prediction.predict_logits(model, examples)[:, -1]
        expected = (scores.argmax(-1) == examples.labels).mean()
        # A score or two may be equal but for rounding.
        assert found[place] == pytest.approx(expected, abs=2 / 348)
