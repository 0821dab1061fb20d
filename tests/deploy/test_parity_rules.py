"""The parity check of exports that leave by another rule, or by sums."""

import dataclasses

import numpy as np
import pytest
import rules

from elf_keras.deploy import parity
from elf_keras.exits.answer_rule import PLAIN, AnswerRule
from elf_keras.exits.thresholds import ExitThresholds

IMAGES, EXITS, CLASSES = 60, 4, 10
EVERY = pytest.mark.parametrize("rule", rules.ALL, ids=rules.NAMES)
DEEP = AnswerRule(2.0, "depth_confidence", answer="running", answer_decay=0.75)
# Of exit 3: σ = 2, k = 3, and 1 + 0.75 + 0.75² logits.
STRETCH = 2 * 3 * 2.3125


def reference(rule, spread=0.3):
    random = np.random.default_rng(0)
    shape = IMAGES, EXITS, CLASSES
    logits = random.normal(scale=spread, size=shape).astype("float32")
    images = np.zeros((IMAGES, 2, 2, 1), "uint8")
    limits = parity.spread(logits, rule)
    return parity.Reference(images, logits, limits, rule)


@EVERY
def test_who_leaves_by_the_rule_passes_and_by_another_fails(rule):
    found = reference(rule)
    assert len({*found.exits}) > 1
    right = parity.compare(
        found, "made", answered=found.answered, exits=found.exits
    )
    assert right["passed"]
    assert right["score_error"] == right["exits_moved"] == 0
    for other in rules.ALL:
        if other is rule:
            continue
        exits = dataclasses.replace(found, rule=other).exits
        row = parity.compare(found, "made", exits=exits)
        assert row["passed"] is False, other
        assert "take exits outside the band" in row["reason"]


@EVERY
def test_what_does_not_answer_by_the_sum_fails(rule):
    found = reference(rule)
    row = parity.compare(found, "made", answered=found.logits)
    assert row["passed"] is (rule.answer == "own")


@pytest.mark.parametrize(("part", "passed"), [(0.9, True), (1.1, False)])
def test_the_band_is_as_wide_as_logits_count(part, passed):
    assert parity._stretch(DEEP, 3) == pytest.approx(STRETCH)
    assert parity._stretch(PLAIN, 3) == 1
    found = reference(DEEP)
    # Nobody leaves before exit 3, where one image is just above s, and half
    # sure: there certainty moves most.
    image = int(abs(found.certainty[:, 2] - 0.5).argmin())
    assert found.certainty[image, 2] == pytest.approx(0.5, abs=0.1)
    limit = found.certainty[image, 2] - part * STRETCH * parity.BAND / CLASSES
    limits = ExitThresholds.of([None, None, float(limit)])
    near = dataclasses.replace(found, thresholds=limits)
    exits = near.exits.copy()
    assert exits[image] == 2
    exits[image] = 3
    row = parity.compare(near, "made", exits=exits)
    assert (row["exits_moved"], row["passed"]) == (1, passed)


@pytest.mark.parametrize("answer", ["own", "running"])
@pytest.mark.parametrize(
    "name", ["confidence", "entropy", "margin", "depth_confidence"]
)
def test_nobody_leaving_fails_where_all_are_sure(name, answer):
    """As with LDAM's cosines, of which the loss takes 30 times."""
    rule = AnswerRule(30.0, name, answer=answer)
    random = np.random.default_rng(0)
    logits = random.normal(-0.05, 0.06, (IMAGES, EXITS, CLASSES))
    lead = random.uniform(0.05, 0.5, (IMAGES, 1))
    logits[:, :, 3] += lead * np.linspace(0.8, 1.2, EXITS)
    logits = logits.astype("float32")
    images = np.zeros((IMAGES, 2, 2, 1), "uint8")
    limits = parity.spread(logits, rule)
    found = parity.Reference(images, logits, limits, rule)
    right = parity.compare(found, "made", exits=found.exits)
    assert right["passed"]
    row = parity.compare(found, "made", exits=np.full(IMAGES, EXITS - 1))
    assert row["passed"] is False
    # Some round to 1, and so does s: there nobody can tell.
    assert row["outside_band"] > 0.4 * row["exits_moved"]


@pytest.mark.parametrize(("lead", "passed"), [(1e-4, True), (1e-2, False)])
def test_by_patience_only_a_near_tie_may_move(lead, passed):
    found = reference(AnswerRule(exit_rule="patience"))
    found.logits[0] = 0
    found.logits[0, :, 3] = 1
    # Exit 1 says class 3, with a lead over class 4 that rounding may undo.
    found.logits[0, 0, 4] = 1 - lead
    limits = ExitThresholds.of([None, 0.6, None])
    found = dataclasses.replace(found, thresholds=limits)
    exits = found.exits.copy()
    assert exits[0] == 1
    exits[0] = 3
    row = parity.compare(found, "made", exits=exits)
    assert (row["exits_moved"], row["passed"]) == (1, passed)
