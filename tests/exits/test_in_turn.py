"""Exits asked one after the other answer as all at once."""

import itertools

import numpy as np
import pytest
import tensorflow as tf

from elf_keras.exits import answer_rule, certainty, in_turn
from elf_keras.exits.answer_rule import AnswerRule

IMAGES, EXITS, CLASSES = 40, 4, 5
ALL = [*itertools.product(certainty.EXIT_RULES, ("own", "running"))]


@pytest.mark.parametrize("array", [np.asarray, tf.convert_to_tensor])
@pytest.mark.parametrize(("exit_rule", "answer"), ALL)
@pytest.mark.parametrize("scale", [1.0, 30.0])
def test_one_exit_at_a_time_is_all_at_once(array, exit_rule, answer, scale):
    """Of who is left: half of the images go after every exit."""
    random = np.random.default_rng(0)
    logits = random.normal(size=(IMAGES, EXITS, CLASSES)).astype("float32")
    rule = AnswerRule(scale, exit_rule, answer=answer, answer_decay=0.3)
    whole = np.asarray(rule.answered(array(logits)))
    certain = np.asarray(rule.certainty(array(whole)))
    # TensorFlow's exp differs by a last bit with the size of the batch.
    within = 0 if array is np.asarray else 2e-7
    alive, kept = np.arange(IMAGES), {}
    for number in range(1, EXITS + 1):
        found, sure, kept = in_turn.step(
            rule, number, array(logits[alive, number - 1]), kept
        )
        np.testing.assert_array_equal(found, whole[alive, number - 1])
        expected = certain[alive, number - 1]
        np.testing.assert_allclose(sure, expected, atol=within, rtol=0)
        kept = {k: array(np.asarray(rows)[::2]) for k, rows in kept.items()}
        alive = alive[::2]


def test_what_is_kept():
    """C numbers of a sum; by patience the last class and its run."""
    logits = np.zeros((2, CLASSES), "float32")
    shapes = {
        (rule, answer): {
            name: rows.shape[1:]
            for name, rows in in_turn.step(
                AnswerRule(exit_rule=rule, answer=answer), 1, logits, {}
            )[2].items()
        }
        for rule, answer in ALL
    }
    for (rule, answer), found in shapes.items():
        expected = {"said": (), "run": ()} if rule == "patience" else {}
        if answer == answer_rule.RUNNING:
            expected["sum"] = (CLASSES,)
        assert found == expected
