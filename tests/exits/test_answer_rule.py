"""What exits answer by: their own logits, or a running sum, by hand."""

import numpy as np
import pytest
import tensorflow as tf

from elf_keras.errors import UnknownRuleError
from elf_keras.exits import answer_rule, exit_rule
from elf_keras.exits.answer_rule import PLAIN, AnswerRule

# One image, three exits, three classes.
LOGITS = [[[4.0, 0.0, 2.0], [0.0, 3.0, -2.0], [1.0, -1.0, 0.5]]]
# R_2 = R_1 / 2 + z_2 = (2, 0, 1) + (0, 3, -2), R_3 = (1, 1.5, -0.5) + z_3.
HALVED = [[[4.0, 0.0, 2.0], [2.0, 3.0, -1.0], [2.0, 0.5, 0.0]]]
SUMMED = [[[4.0, 0.0, 2.0], [4.0, 3.0, 0.0], [5.0, 2.0, 0.5]]]


@pytest.fixture(
    params=[np.asarray, tf.convert_to_tensor], ids=["numpy", "tensor"]
)
def array(request):
    return lambda values: request.param(np.array(values, "float32"))


def running(decay, **others):
    return AnswerRule(answer="running", answer_decay=decay, **others)


@pytest.mark.parametrize(
    ("decay", "expected"), [(0.5, HALVED), (1.0, SUMMED), (0.0, LOGITS)]
)
def test_the_running_sum_by_hand(array, decay, expected):
    found = running(decay).answered(array(LOGITS))
    np.testing.assert_array_equal(found, expected)


def test_the_decay_is_a_half_unless_it_is_told():
    found = AnswerRule(answer="running").answered(np.array(LOGITS))
    np.testing.assert_array_equal(found, HALVED)


def test_own_logits_are_answered_by_as_they_are(array):
    logits = array(LOGITS)
    assert PLAIN.answered(logits) is logits


@pytest.mark.parametrize("decay", [0.0, 0.3, 1.0])
def test_a_single_exit_has_nothing_to_add(array, decay):
    logits = array(LOGITS)[:, :1]
    np.testing.assert_array_equal(running(decay).answered(logits), logits)


def test_exits_in_turn_answer_as_all_at_once(array):
    """To the bit: a runtime that keeps the sum leaves where a sweep says."""
    random = np.random.default_rng(0)
    logits = array(random.normal(size=(50, 4, 7)))
    rule, before = running(0.3), None
    whole = np.asarray(rule.answered(logits))
    for number in range(4):
        before = rule.next_answer(before, logits[:, number])
        np.testing.assert_array_equal(before, whole[:, number])


def test_a_sum_is_not_kept_in_half_precision():
    half = tf.constant(LOGITS, tf.bfloat16)
    found = running(0.3).answered(half)
    assert found.dtype == tf.float32
    expected = running(0.3).answered(tf.cast(half, "float32"))
    np.testing.assert_array_equal(found, expected)


def test_certainty_and_probabilities_are_those_of_the_sum():
    """Exit 2 by itself says class 1 with e^3; with the sum e^3 of e^2, e^-1."""
    rule = running(0.5)
    answered = rule.answered(np.array(LOGITS))
    by_hand = np.exp(3) / (np.exp(3) + np.exp(2) + np.exp(-1))
    assert rule.certainty(answered)[0, 1] == pytest.approx(by_hand)
    assert rule.probabilities(answered)[0, 1, 1] == pytest.approx(by_hand)


def test_the_scale_of_cosines_multiplies_the_sum():
    rule = running(0.5, scale=30.0, exit_rule="depth_confidence")
    cosines = np.array(LOGITS) / 100
    by_hand = exit_rule.confidence(3 * 30 * np.array(HALVED)[:, 2] / 100)
    found = rule.certainty(rule.answered(cosines))
    np.testing.assert_allclose(found[:, 2], by_hand, rtol=1e-6)


def test_files_of_before_tell_nothing():
    assert answer_rule.of_record({}).leaves_as(PLAIN)
    assert answer_rule.of_record({}, 30.0).scale == 30


def test_what_is_told_is_read_again():
    rule = running(0.25, exit_rule="margin")
    assert rule.told == {
        "exit_rule": "margin",
        "answer": "running",
        "answer_decay": 0.25,
    }
    assert answer_rule.of_record(rule.told).leaves_as(rule)


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"exit_rule": "surest"}, "exit rule is 'surest', not one of conf"),
        ({"exit_rule": ["margin"]}, "exit rule is"),
        ({"answer": "mean"}, "answer is 'mean', not one of own, running"),
        ({"answer_decay": 1.5}, r"1.5, not in \[0, 1\]"),
        ({"answer_decay": -0.1}, "-0.1"),
        ({"answer_decay": float("nan")}, "nan"),
        ({"answer_decay": "0.5"}, "'0.5'"),
        ({"answer_decay": None}, "None"),
    ],
)
def test_what_no_model_has_is_refused(wrong, says):
    with pytest.raises(ValueError, match=says):
        answer_rule.of_record(wrong)


def test_a_rule_that_a_plug_in_may_add_is_told_from_damage():
    for wrong, error in (
        ({"exit_rule": "surest"}, UnknownRuleError),
        ({"answer": "mean"}, ValueError),
    ):
        with pytest.raises(ValueError) as raised:
            answer_rule.of_record(wrong)
        assert raised.type is error


def test_which_thresholds_mean_the_same():
    """A decay is nothing where nothing is summed."""
    assert AnswerRule(answer_decay=0.1).leaves_as(PLAIN)
    assert running(0.5, scale=30.0).leaves_as(running(0.5))
    for other in (PLAIN, running(0.25), running(0.5, exit_rule="margin")):
        assert not running(0.5).leaves_as(other)


def test_how_it_reads():
    assert PLAIN.shown == "confidence"
    assert running(0.5).shown == "confidence of running sums (decay 0.5)"


@pytest.mark.parametrize(
    ("rule", "exits", "total"),
    [
        (PLAIN, 3, 1),
        (running(0.5), 1, 1),
        (running(0.5), 3, 1.75),
        (running(1.0), 3, 3),
        (running(0.0), 3, 1),
    ],
)
def test_how_many_logits_are_in_an_answer(rule, exits, total):
    assert rule.total(exits) == total
