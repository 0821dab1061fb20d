"""Graphs for servers leave by every exit rule, of own scores and of sums."""

import exported
import numpy as np
import pytest
import rules
import tensorflow as tf

from elf_keras import models
from elf_keras.deploy import graphs, parity, saved_model
from elf_keras.deploy.serving import Serving
from elf_keras.evaluation import prediction
from elf_keras.exits import exit_rule
from elf_keras.exits.answer_rule import AnswerRule
from elf_keras.exits.thresholds import ExitThresholds

RUNNING = AnswerRule(2.0, "patience", answer="running", answer_decay=0.75)
LIMITS = ExitThresholds.of([0.6, 0.6])


def expected_of(rule, limits):
    """What the model answers, stage by stage, and the scores it answers by."""
    stages = models.stages(exported.model())
    found = prediction.predict_dynamic(stages, exported.images(), limits, rule)
    answered = rule.answered(exported.scores())
    rows = np.arange(len(answered))
    return found, answered[rows, found.exit_taken]


def same(found, expected, scores):
    np.testing.assert_array_equal(found["exit"], expected.exit_taken + 1)
    np.testing.assert_allclose(found["scores"], scores, atol=1e-4)


@pytest.fixture(scope="module")
def stages():
    return [graphs.FrozenStage(at) for at in models.stages(exported.model())]


@pytest.mark.slow
@pytest.mark.parametrize("rule", rules.ALL, ids=rules.NAMES)
def test_survivors_take_along_what_the_rule_keeps(stages, rule):
    answered = rule.answered(exported.scores())
    sure = rule.certainty(answered)
    rows = rules.telling_limits(sure)
    limits = np.column_stack([rows, np.full(len(rows), np.inf)])
    taken = exit_rule.exit_taken(exit_rule.above(sure, limits))
    assert set(taken) == {0, 1, 2}
    leave = tf.function(graphs.leave_early)
    found = leave(stages, exported.images(), np.float32(rows), rule)
    np.testing.assert_array_equal(found["exit"], taken + 1)
    at = np.arange(len(taken)), taken
    np.testing.assert_allclose(found["scores"], answered[at], atol=1e-4)
    assert ("certainty" in found) == (rule.exit_rule != "confidence")
    if "certainty" in found:
        told = found["certainty"]
        np.testing.assert_allclose(told, sure[at], atol=1e-4)


@pytest.mark.slow
@pytest.mark.parametrize("rule", rules.ALL, ids=rules.NAMES)
def test_nested_conditions_leave_by_the_rule(stages, rule):
    limits = parity.spread(exported.scores(), rule)
    expected, scores = expected_of(rule, limits)
    call = graphs.nested(stages, rule)
    (row,) = limits.rows(1)
    answers = [
        call(image=image[None], exit_threshold=row)
        for image in exported.images()
    ]
    found = {
        "exit": np.array([answer["exit"] for answer in answers]),
        "scores": np.concatenate([answer["scores"] for answer in answers]),
    }
    same(found, expected, scores)


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    """A SavedModel by patience and running sums, reloaded."""
    folder = tmp_path_factory.mktemp("served")
    serving = Serving(
        exported.TEMPERATURES,
        exported.CLASS_NAMES,
        {"accurate": LIMITS},
        "accurate",
        rule=RUNNING,
        static_temperature=3.0,
    )
    saved_model.save(exported.model(), folder, serving)
    return tf.saved_model.load(folder)


def ask(served, name, limits=None):
    given = {"image": exported.images()}
    if limits is not None:
        given["exit_threshold"] = limits.rows(exported.IMAGES)
    return exported.call(served.signatures[name], **given)


@pytest.mark.parametrize("name", ["dynamic", "accurate", "serving_default"])
def test_a_served_model_leaves_by_its_rule(served, name):
    expected, scores = expected_of(RUNNING, LIMITS)
    assert set(expected.exit_taken) == {1, 2}
    found = ask(served, name, LIMITS if name == "dynamic" else None)
    same(found, expected, scores)
    np.testing.assert_array_equal(found["class"], expected.classes)
    np.testing.assert_allclose(found["certainty"], expected.certainty)
    shares = exported.softmax(scores)
    np.testing.assert_allclose(found["confidence"], shares.max(-1), atol=1e-5)
    scores /= exported.TEMPERATURES[expected.exit_taken, None]
    shares = exported.softmax(scores)
    np.testing.assert_allclose(found["probabilities"], shares, atol=1e-5)


def test_at_a_threshold_of_one_nobody_leaves_early(served):
    given = {"image": exported.images()}
    given["exit_threshold"] = exported.rows([1, 1], exported.IMAGES)
    found = exported.call(served.signatures["dynamic"], **given)
    last = RUNNING.answered(exported.scores())[:, -1]
    assert set(found["exit"]) == {3}
    np.testing.assert_array_equal(found["class"], last.argmax(-1))
    np.testing.assert_allclose(found["scores"], last, atol=1e-4)


def test_a_served_model_gives_own_scores_and_what_exits_answer(served):
    found = ask(served, "all_exits")
    answered = RUNNING.answered(exported.scores())
    for number, temperature in enumerate(exported.TEMPERATURES):
        name, own = f"exit_{number + 1}", exported.scores()[:, number]
        np.testing.assert_allclose(found[name], own, atol=1e-4)
        shares = exported.softmax(answered[:, number] / temperature)
        told = found[f"{name}_probabilities"]
        np.testing.assert_allclose(told, shares, atol=1e-4)
    np.testing.assert_allclose(found["scores"], answered[:, -1], atol=1e-4)


def test_the_bare_backbone_knows_no_sum(served):
    found, own = ask(served, "static"), exported.scores()[:, -1]
    np.testing.assert_allclose(found["scores"], own, atol=1e-4)
    shares = exported.softmax(own / 3.0)
    np.testing.assert_allclose(found["probabilities"], shares, atol=1e-4)
    assert "certainty" not in found
