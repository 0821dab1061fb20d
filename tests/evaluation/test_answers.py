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
    sums = AnswerRule(answer="running")
    found, fitted = reduced.with_temperatures(model, examples, weights)
    _, of_sums = reduced.with_temperatures(model, examples, weights, sums)
    np.testing.assert_array_equal(found.classes, whole.classes)
    np.testing.assert_allclose(found.certainty, whole.certainty, rtol=1e-5)
    np.testing.assert_array_equal(found.labels, examples.labels)
    expected = fit.temperatures()
    np.testing.assert_allclose(fitted.temperatures, expected, rtol=1e-4)
    # The bare backbone answers by its own logits, whatever exits answer by.
    for each in (fitted, of_sums):
        assert each.static_temperature == pytest.approx(expected[-1], rel=1e-4)
    assert of_sums.temperatures[-1] != pytest.approx(expected[-1], rel=1e-2)


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


def test_an_exit_answers_by_the_sum_of_those_before():
    """Exit 2 alone says 1, (2, 0) / 2 + (0, 0.8) says 0; the backbone 1.

    Exit 3 alone says 1, (1, 0.8) / 2 + (0, 0.2) = (0.5, 0.6) says 1.
    """
    scores = np.array([[[2.0, 0.0], [0.0, 0.8], [0.0, 0.2]]], "float32")
    labels = np.zeros(1, int)
    own = reduced.of_parts([scores], labels)
    found = reduced.of_parts([scores], labels, AnswerRule(answer="running"))
    assert own.classes.tolist() == [[0, 1, 1]]
    assert found.classes.tolist() == [[0, 0, 1]]
    sure = special.softmax([[2.0, 0.0], [1.0, 0.8], [0.5, 0.6]], axis=-1)
    np.testing.assert_allclose(found.certainty[0], sure.max(-1), rtol=1e-6)
    np.testing.assert_allclose(found.probability[0], sure.max(-1), rtol=1e-6)
    np.testing.assert_allclose(found.of_truth[0], sure[:, 0], rtol=1e-6)


def test_the_backbone_and_the_mean_of_exits_know_no_running_sum():
    """The sum of (8, 0) and (0, 1) says 0; alone the last exit says 1."""
    scores = np.array([[[8.0, 0.0], [0.0, 1.0]]] * 2, "float32")
    scores[1, 0] = [0.5, 0.0]
    rule = AnswerRule(answer="running", answer_decay=1.0)
    found = reduced.of_parts([scores], np.zeros(2, int), rule)
    assert found.classes[:, -1].tolist() == [0, 1]
    assert found.static_classes.tolist() == [1, 1]
    own = reduced.of_parts([scores], np.zeros(2, int))
    np.testing.assert_array_equal(own.static_classes, own.classes[:, -1])
    np.testing.assert_array_equal(found.mean_classes, own.mean_classes)


def test_what_is_calibrated_is_what_is_answered():
    rule, temperatures = AnswerRule(answer="running"), np.array([1.0, 2.0, 4.0])
    found = reduced.of_parts([SCORES], LABELS, rule, temperatures)
    tempered = rule.answered(SCORES) / temperatures[:, None]
    expected = special.softmax(tempered, axis=-1).max(-1)
    np.testing.assert_allclose(found.calibrated, expected, rtol=1e-5)
