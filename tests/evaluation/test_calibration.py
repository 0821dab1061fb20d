"""Temperatures against made data whose right answer is known."""

import numpy as np
import pytest
from scipy import optimize, special

from elf_keras.evaluation import calibration

CLASSES = 4


def drawn(temperature, images=20000):
    """Scores, and labels drawn from softmax(scores / temperature)."""
    random = np.random.default_rng(0)
    scores = random.normal(size=(images, CLASSES)) * 3
    shares = special.softmax(scores / temperature, axis=-1)
    labels = (shares.cumsum(-1) > random.random((images, 1))).argmax(-1)
    return scores, labels


@pytest.mark.parametrize("temperature", [0.5, 1.0, 1.9])
def test_finds_the_temperature_that_labels_were_drawn_with(temperature):
    scores, labels = drawn(temperature)
    both = np.stack([scores, 10 * scores], axis=1)
    found = calibration.temperatures(both, labels, weights=np.ones(len(labels)))
    expected = [temperature, 10 * temperature]
    np.testing.assert_allclose(found, expected, rtol=0.1)


def test_likelihood_of_two_images_by_hand():
    scores = np.array([[[0.0, np.log(3.0)]], [[0.0, 0.0]]])
    labels, weights = np.array([1, 0]), np.array([3.0, 1.0])
    fit = calibration.TemperatureFit(1)
    fit.add(scores, labels, weights)
    for at in (0, 8, 24):
        odds = 3 ** (1 / calibration.GRID[at])
        expected = (3 * np.log(1 + 1 / odds) + np.log(2)) / 4
        assert fit.likelihoods()[0, at] == pytest.approx(expected)


@pytest.mark.parametrize("temperature", [0.3, 0.77, 1.3, 6.0])
def test_as_near_as_a_search_that_needs_all_scores(temperature):
    scores, labels = drawn(temperature, images=400)
    weights = np.linspace(0.5, 2, 400)

    def likelihood(log):
        logs = special.log_softmax(scores / np.exp(log), axis=-1)
        return -(weights @ logs[np.arange(400), labels])

    expected = optimize.minimize_scalar(
        likelihood,
        bounds=np.log(calibration.BOUNDS),
        method="bounded",
        options={"xatol": 1e-8},
    ).x
    found = calibration.temperatures(scores[:, None], labels, weights=weights)
    np.testing.assert_allclose(found, np.exp(expected), rtol=2e-3)


def test_parts_add_up_to_the_whole():
    scores, labels = drawn(1.5, images=300)
    weights = np.linspace(0.5, 2, 300)
    fit = calibration.TemperatureFit(1)
    for rows in (slice(0, 7), slice(7, 200), slice(200, 300)):
        fit.add(scores[rows, None], labels[rows], weights[rows])
    whole = calibration.temperatures(scores[:, None], labels, weights=weights)
    np.testing.assert_allclose(fit.temperatures(), whole, rtol=1e-9)


def test_an_image_without_weight_has_no_say():
    scores, labels = drawn(1.0, images=500)
    weights = np.r_[np.ones(400), np.zeros(100)]
    labels = np.r_[labels[:400], 3 - labels[400:]]
    found = calibration.temperatures(scores[:, None], labels, weights=weights)
    alone = calibration.temperatures(
        scores[:400, None], labels[:400], weights=np.ones(400)
    )
    np.testing.assert_allclose(found, alone)


def test_a_split_without_errors_says_nothing():
    labels = np.array([0, 1, 2, 3])
    scores = np.eye(CLASSES)[:, None]
    found = calibration.temperatures(scores, labels, weights=np.ones(4))
    assert found == [1.0]
    found = calibration.temperatures(
        scores, labels, weights=np.ones(4), scale=30.0
    )
    assert found == pytest.approx([1 / 30])


def test_cosines_are_judged_in_units_of_their_scale():
    scores, labels = drawn(1.0)
    found = calibration.temperatures(
        scores[:, None] / 30, labels, weights=np.ones(len(labels)), scale=30.0
    )
    np.testing.assert_allclose(found, [1 / 30], rtol=0.1)
