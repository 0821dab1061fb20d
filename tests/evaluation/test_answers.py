"""Answers reduced part by part are those of all scores at once."""

import by_hand
import numpy as np
import pytest
import tiny
from made_scores import LABELS, SCORES
from scipy import special

from elf_keras.evaluation import answers as reduced
from elf_keras.evaluation import calibration, prediction
from elf_keras.exits import certainty, exit_rule
from elf_keras.exits.answer_rule import AnswerRule
from elf_keras.exits.thresholds import ExitThresholds


def test_what_each_exit_says_of_each_image():
    found = reduced.of_parts([SCORES], LABELS, AnswerRule(3.0))
    np.testing.assert_array_equal(found.classes, SCORES.argmax(-1))
    np.testing.assert_array_equal(found.certainty, exit_rule.confidence(SCORES))
    powers = np.exp(3.0 * SCORES.astype("float64"))
    expected = powers.max(-1) / powers.sum(-1)
    np.testing.assert_allclose(found.probability, expected, rtol=1e-5)
    hits = SCORES.argmax(-1) == LABELS[:, None]
    np.testing.assert_array_equal(found.correct, hits)


def test_one_threshold_for_each_exit():
    found = reduced.of_parts([SCORES], LABELS)
    assert set(found.leave(ExitThresholds.of([None, 0.0])).exit_taken) == {1}


def test_a_model_in_parts_says_the_same(monkeypatch):
    model, examples = tiny.model(), tiny.examples((7, 4, 2))
    weights = np.linspace(1, 2, 13)
    logits = prediction.predict_logits(model, examples)
    whole = reduced.of_parts([logits], examples.labels)
    fit = calibration.TemperatureFit(examples.labels, weights)
    list(fit.watch([logits]))
    monkeypatch.setattr(prediction, "BATCH_SIZE", 4)
    monkeypatch.setattr(prediction, "PART_BYTES", 1)
    found, temperatures = reduced.with_temperatures(model, examples, weights)
    np.testing.assert_array_equal(found.classes, whole.classes)
    np.testing.assert_allclose(found.certainty, whole.certainty, rtol=1e-5)
    np.testing.assert_array_equal(found.labels, examples.labels)
    np.testing.assert_allclose(temperatures, fit.temperatures(), rtol=1e-4)


def test_probabilities_of_the_truth_and_at_temperatures():
    temperatures = np.array([0.5, 1.0, 2.0])
    found = reduced.of_parts(
        np.split(SCORES, [33]), LABELS, AnswerRule(3.0), temperatures
    )
    rows = np.arange(len(LABELS))
    expected = special.softmax(3.0 * SCORES, axis=-1)[rows, :, LABELS]
    np.testing.assert_allclose(found.of_truth, expected, rtol=1e-5)
    expected = special.softmax(SCORES / temperatures[:, None], axis=-1)
    np.testing.assert_allclose(found.calibrated, expected.max(-1), rtol=1e-5)
    assert reduced.of_parts([SCORES], LABELS).calibrated is None


@pytest.mark.parametrize("rule", certainty.EXIT_RULES)
@pytest.mark.parametrize("cached", [1, 100, 2**20])
def test_a_rule_in_pieces_says_what_it_says_of_all(monkeypatch, rule, cached):
    monkeypatch.setattr(reduced, "_CACHED", cached)
    found = reduced.of_parts([SCORES], LABELS, AnswerRule(3.0, rule))
    expected = certainty.of(SCORES, rule, scale=3.0)
    np.testing.assert_allclose(found.certainty, expected, rtol=1e-6)


@pytest.mark.parametrize("scale", [1.0, 3.0])
def test_the_mean_of_exits_by_a_loop(scale):
    found = reduced.of_parts([SCORES], LABELS, AnswerRule(scale)).mean_classes
    last, differs = SCORES[:, -1].argmax(-1), 0
    for index, image in enumerate(SCORES.tolist()):
        shares = [by_hand.softmax([scale * z for z in row]) for row in image]
        total = [sum(column) for column in zip(*shares, strict=True)]
        assert found[index] == total.index(max(total))
        differs += found[index] != last[index]
    assert differs


def test_summed_scores_answer_where_they_were_trained():
    # The last exit says 1, the sum (8, 1) says 0; with α = (1, 1, 9): 1. The
    # mean of probabilities of the second image says 1, the sum (6, 3.3) 0.
    first = [[4.0, 0.0], [4.0, 0.0], [0.0, 1.0]]
    second = [[6.0, 0.0], [0.0, 1.7], [0.0, 1.6]]
    scores, labels = np.array([first, second], "float32"), np.zeros(2, int)
    plain = reduced.of_parts([scores], labels)
    assert plain.mean_classes.tolist() == [0, 1]
    for weights, expected in [((1, 1, 1), [0, 0]), ((1, 1, 9), [1, 1])]:
        rule = AnswerRule(exit_weights=np.array(weights))
        found = reduced.of_parts([scores], labels, rule)
        assert found.mean_classes.tolist() == expected
        np.testing.assert_array_equal(found.classes, plain.classes)


def test_the_mean_of_one_exit_is_that_exit():
    alone = reduced.of_parts([SCORES[:, :1]], LABELS)
    np.testing.assert_array_equal(alone.mean_classes, alone.classes[:, 0])
