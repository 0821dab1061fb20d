"""Temperatures against made data whose right answer is known."""

import numpy as np
import pytest
from scipy import optimize, special

from elf_keras.evaluation import calibration
from elf_keras.exits.answer_rule import AnswerRule

CLASSES = 4


def drawn(temperature, images=20000):
    """Scores, and labels drawn from softmax(scores / temperature)."""
    random = np.random.default_rng(0)
    scores = random.normal(size=(images, CLASSES)) * 3
    shares = special.softmax(scores / temperature, axis=-1)
    labels = (shares.cumsum(-1) > random.random((images, 1))).argmax(-1)
    return scores, labels


def temperatures(logits, labels, weights, scale=1.0):
    fit = calibration.TemperatureFit(labels, weights, AnswerRule(scale))
    assert list(fit.watch([logits]))[0] is logits
    return fit.temperatures()


@pytest.mark.parametrize("temperature", [0.5, 1.0, 1.9])
def test_finds_the_temperature_that_labels_were_drawn_with(temperature):
    scores, labels = drawn(temperature)
    both = np.stack([scores, 10 * scores], axis=1)
    found = temperatures(both, labels, np.ones(len(labels)))
    expected = [temperature, 10 * temperature]
    np.testing.assert_allclose(found, expected, rtol=0.1)


@pytest.mark.parametrize("temperature", [0.3, 0.77, 1.3, 6.0])
def test_as_near_as_a_search_that_needs_all_scores(temperature):
    (scores, labels), weights = (
        drawn(temperature, 400),
        np.linspace(0.5, 2, 400),
    )

    def likelihood(log):
        logs = special.log_softmax(scores / np.exp(log), axis=-1)
        return -(weights @ logs[np.arange(400), labels])

    expected = optimize.minimize_scalar(
        likelihood,
        bounds=np.log(calibration.BOUNDS),
        method="bounded",
        options={"xatol": 1e-8},
    ).x
    found = temperatures(scores[:, None], labels, weights)
    np.testing.assert_allclose(found, np.exp(expected), rtol=1e-4)


@pytest.mark.parametrize("nth", [1, 3])
def test_parts_add_up_and_of_a_large_split_every_nth_image_is_held(
    monkeypatch, nth
):
    logits, labels = drawn(1.5, images=301)
    weights, held = np.linspace(0.5, 2, 301), slice(None, None, nth)
    monkeypatch.setattr(calibration, "HELD", logits[held].nbytes)
    fit = calibration.TemperatureFit(labels, weights)
    parts = np.split(logits[:, None], [7, 200])
    assert [len(part) for part in fit.watch(parts)] == [7, 193, 101]
    monkeypatch.undo()
    expected = temperatures(logits[held, None], labels[held], weights[held])
    np.testing.assert_allclose(fit.temperatures(), expected, rtol=1e-9)


def test_an_image_without_weight_has_no_say():
    scores, labels = drawn(1.0, images=500)
    weights = np.r_[np.ones(400), np.zeros(100)]
    labels = np.r_[labels[:400], 3 - labels[400:]]
    found = temperatures(scores[:, None], labels, weights)
    alone = temperatures(scores[:400, None], labels[:400], np.ones(400))
    np.testing.assert_allclose(found, alone)


def test_a_split_without_errors_says_nothing():
    labels, scores = np.array([0, 1, 2, 3]), np.eye(CLASSES)[:, None]
    for scale in (1.0, 30.0):
        found = temperatures(scores, labels, np.ones(4), scale)
        assert found == pytest.approx([1 / scale])


def test_cosines_are_judged_in_units_of_their_scale():
    scores, labels = drawn(1.0)
    cosines, weights = scores[:, None] / 30, np.ones(len(labels))
    found = temperatures(cosines, labels, weights, scale=30.0)
    np.testing.assert_allclose(found, [1 / 30], rtol=0.1)


def test_it_is_fitted_on_what_exits_answer_by():
    """Two exits that say the same: their plain sum is twice as sure."""
    scores, labels = drawn(1.0)
    both, weights = np.stack([scores, scores], axis=1), np.ones(len(labels))
    rule = AnswerRule(answer="running", answer_decay=1.0)
    fit = calibration.TemperatureFit(labels, weights, rule)
    assert list(fit.watch([both]))[0] is both
    found = fit.temperatures()
    assert found[0] == pytest.approx(1.0, rel=0.03)
    assert found[1] == pytest.approx(2 * found[0], rel=1e-3)


def test_the_loss_at_the_best_temperature_by_hand():
    """All leads are 1, three of four images right: T makes p = 3/4 of it."""
    logits = np.tile([[[1.0, 0.0]]], (4, 1, 1))
    fit = calibration.TemperatureFit(np.array([0, 0, 0, 1]), np.full(4, 0.2))
    assert len([*fit.watch([logits])]) == 1
    entropy = -(0.75 * np.log(0.75) + 0.25 * np.log(0.25))
    losses, weights = fit.losses()
    np.testing.assert_allclose(weights @ losses, [entropy], rtol=1e-6)
    each = -np.log([[0.75], [0.75], [0.75], [0.25]])
    np.testing.assert_allclose(losses, each, rtol=1e-4)
    np.testing.assert_allclose(fit.temperatures(), [1 / np.log(3)], rtol=1e-4)
