"""The chain runner leaves by every exit rule, of own scores and of sums."""

import json
import types

import made_chain
import numpy as np
import pytest
import rules

from elf_keras.deploy import chain_runner, manifest, measure, parity
from elf_keras.deploy.chain_runner import ChainError, ChainRunner, ExitRule
from elf_keras.evaluation import prediction
from elf_keras.exits import exit_rule
from elf_keras.exits.answer_rule import AnswerRule

pytest.importorskip("ai_edge_litert")
EVERY = pytest.mark.parametrize("rule", rules.ALL, ids=rules.NAMES)


def softmax(scores):
    powers = np.exp(scores.astype("float64") - scores.max(-1, keepdims=True))
    return powers / powers.sum(-1, keepdims=True)


@EVERY
def test_answers_are_those_of_the_model(chain, rule):
    limits = parity.spread(chain.scores, rule)
    expected = prediction.predict_dynamic(
        chain.stages, chain.images, limits, rule
    )
    # By patience nobody leaves at the first exit.
    assert len(set(expected.exit_taken)) >= 2
    runner = ChainRunner(rules.manifest_by(chain, rule))
    assert runner.exit_rule == rule.exit_rule
    answered = rule.answered(chain.scores)
    for index, image in enumerate(chain.images):
        answer = runner.predict(image, policy=limits.to_json())
        taken = answer.exit - 1
        assert taken == expected.exit_taken[index]
        assert answer.class_index == expected.classes[index]
        assert abs(answer.certainty - expected.certainty[index]) < 1e-5
        scores = answered[index, taken]
        np.testing.assert_allclose(answer.scores, scores, atol=1e-4)
        sure = softmax(scores).max()
        assert answer.confidence == pytest.approx(sure, abs=1e-5)
        calibrated = softmax(scores / made_chain.TEMPERATURES[taken])
        shares = answer.probabilities
        np.testing.assert_allclose(shares, calibrated, atol=1e-4)


@EVERY
def test_integers_leave_by_what_they_stand_for(chain, rule):
    path = rules.manifest_by(chain, rule)
    runner = ChainRunner(path, variant="int8")
    own = measure.chain_logits(runner.stages, chain.images)
    answered, limits = rule.answered(own), parity.spread(own, rule)
    sure = rule.certainty(answered)
    taken = exit_rule.exit_taken(exit_rule.above(sure, limits.with_last))
    for index, image in enumerate(chain.images):
        answer = runner.predict(image, policy=limits.to_json())
        assert answer.exit == taken[index] + 1
        assert answer.class_index == answered[index, taken[index]].argmax()
        # The very formulas, to the bit.
        assert answer.certainty == sure[index, taken[index]]


@EVERY
@pytest.mark.parametrize("classes", [2, 100])
def test_formulas_are_those_of_exits(rule, classes):
    """To the bit, so that an image leaves here where a sweep says."""
    random = np.random.default_rng(0)
    scores = random.normal(0, 3, (50, 5, classes)).astype("float32")
    # Ties, and an exit that is as sure as can be.
    scores[0], scores[1, 2, 1] = 0, 300
    answered = rule.answered(scores)
    sure = rule.certainty(answered)
    asked = ExitRule(manifest.leaving(rule))
    for image in range(50):
        for number in range(5):
            best, found, given = asked.judge(number, scores[image, number])
            assert found == sure[image, number]
            assert best == answered[image, number].argmax()
            np.testing.assert_array_equal(given, answered[image, number])


@EVERY
def test_scores_that_are_no_numbers_are_no_answer(chain, rule, monkeypatch):
    runner = ChainRunner(rules.manifest_by(chain, rule))
    nothing = np.array([np.nan, 1, 2], "float32")
    for stage in runner.stages:
        monkeypatch.setattr(stage, "scores", lambda *_: nothing)
    with pytest.raises(ChainError, match="expected numbers"):
        runner.predict(chain.images[0])


def test_a_late_answer_adds_nothing_to_the_next_image(chain, monkeypatch):
    rule = AnswerRule(answer="running", answer_decay=1.0)
    runner = ChainRunner(rules.manifest_by(chain, rule))
    clock = iter([0.0, 0.001, 0.020])
    tell = types.SimpleNamespace(perf_counter=lambda: next(clock))
    with monkeypatch.context() as patched:
        patched.setattr(chain_runner, "time", tell)
        answer = runner.predict(chain.images[0], deadline_ms=8)
    # Stage 2 was late: exit 1 answers, by its own scores.
    assert (answer.exit, next(clock, None)) == (1, None)
    first = chain.scores[0, 0]
    np.testing.assert_allclose(answer.scores, first, atol=1e-4)
    answer = runner.predict(chain.images[1], policy="all_exits")
    whole = chain.scores[1].sum(0)
    np.testing.assert_allclose(answer.scores, whole, atol=1e-4)


def test_old_manifests_and_plain_ones_leave_by_confidence(chain):
    """One of format 1 may say so, or say nothing."""
    record = manifest.leaving(AnswerRule(30.0, answer_decay=0.1))
    assert record["format"] == 1
    expected = ChainRunner(chain.manifest)
    told = ChainRunner(rules.manifest_by(chain, AnswerRule(30.0)))
    for image in chain.images[:20]:
        one, other = expected.predict(image), told.predict(image)
        assert one.certainty == one.confidence == other.certainty
        assert (one.exit, one.class_name) == (other.exit, other.class_name)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"exit_rule": "surest"}, "exit_rule 'surest': expected one of"),
        ({"exit_rule": None}, "exit_rule None"),
        ({"answer": "mean"}, "answer 'mean': expected one of"),
        ({"answer": ["own"]}, "answer"),
        ({"answer_decay": 1.5}, r"answer_decay 1.5: expected a number in \["),
        ({"answer_decay": float("nan")}, "answer_decay nan"),
        ({"answer_decay": "0.5"}, "answer_decay '0.5'"),
        ({"answer_decay": None}, "answer_decay None"),
        ({"score_scale": 0}, "score_scale 0"),
        ({"score_scale": "a"}, "cannot be used"),
        ({"format": 3}, "format: expected one of"),
    ],
)
def test_what_the_runner_does_not_know_is_one_line(chain, change, says):
    path = rules.manifest_by(chain, rules.ALL[-1])
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    with pytest.raises(ChainError, match=says) as refused:
        ChainRunner(path)
    assert "\n" not in str(refused.value)
