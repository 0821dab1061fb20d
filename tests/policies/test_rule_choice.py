"""Which exit rule suits a model: by hand, and by loops over thresholds."""

import numpy as np
import pytest
import tiny
from made_scores import CLASSES, COUNTS, EXITS, LABELS, SCORES

from elf_keras.data import long_tail
from elf_keras.errors import InputError
from elf_keras.evaluation import answers, prediction
from elf_keras.evaluation.scorer import Scorer
from elf_keras.exits.answer_rule import AnswerRule
from elf_keras.exits.thresholds import ExitThresholds
from elf_keras.models import multiply_adds
from elf_keras.policies import policy_rules, rule_choice

RULES = [
    AnswerRule(exit_rule=name, answer=answer)
    for answer in ("own", "running")
    for name in ("confidence", "depth_confidence", "patience")
]
BUDGETS = [0.5, 1.0]


def scorer(with_heads=(40, 90, 160), backbone=150):
    costs = multiply_adds.ExitCosts(
        np.array(with_heads), np.array(with_heads) - 10, backbone
    )
    at = ExitThresholds.shared(0.5, EXITS)
    return Scorer(CLASSES, long_tail.shot_groups(COUNTS), costs, at)


@pytest.fixture
def compared(monkeypatch):
    parts = np.split(SCORES, [31])
    monkeypatch.setattr(prediction, "logit_parts", lambda *_: iter(parts))
    examples = tiny.examples((1, 1, 1))
    examples = type(examples)(np.zeros(len(LABELS)), LABELS, ("",) * 80)
    return rule_choice.compare(None, examples, scorer(), RULES, [0.1, *BUDGETS])


def best_within(rule, budget):
    """The highest accuracy of any threshold that keeps a budget, by a loop."""
    found = answers.of_parts([SCORES], LABELS, rule)
    levels = np.unique(found.certainty[:, :-1])
    points = []
    for s in [levels[0] / 2, *levels]:
        at = scorer().dynamic(found, ExitThresholds.shared(s, EXITS))
        if at["macs"] <= budget * 150 + 1e-6:
            points.append(at["accuracy"])
    return max(points)


def test_each_rule_has_its_best_threshold_within_each_budget(compared):
    """Exit 1 alone costs 40 of 150: a budget of a tenth is left out."""
    best, record = compared
    assert record["budgets"] == BUDGETS
    assert record["images"] == 80
    means = []
    for rule, row in zip(RULES, record["rules"], strict=True):
        expected = [best_within(rule, budget) for budget in BUDGETS]
        assert row["accuracy"] == pytest.approx(expected)
        assert row["mean"] == pytest.approx(np.mean(expected))
        assert {key: row[key] for key in rule.told} == rule.told
        means.append(row["mean"])
    assert best is RULES[int(np.argmax(means))]
    assert best.shown in record["said"]
    assert record["lead"]["points"] == pytest.approx(max(means) - means[0])


def rule_score(rule, right):
    right = np.array(right, float)
    return rule_choice.RuleScore(rule, np.array([right.mean()]), right)


def test_the_first_of_equals_is_taken_and_no_lead_is_told():
    scores = [rule_score(rule, [1, 0, 1, 0]) for rule in RULES]
    rule, record = rule_choice.chosen(scores, np.full(4, 0.25), [0.5])
    assert rule is RULES[0]
    assert record["said"] == "confidence is used: nothing is ahead of it"


@pytest.mark.parametrize(
    ("right", "chance"), [([1, 1, 1, 0], True), ([1, 1, 1, 1], False)]
)
def test_a_lead_comes_with_its_error(right, chance):
    """Gains 0, 1, 0, 0: 1/4 ± 1/4 √(3/16 + 9/16) = 0.22."""
    scores = [rule_score(RULES[0], [1, 0, 1, 0]), rule_score(RULES[1], right)]
    if not chance:
        scores[0] = rule_score(RULES[0], [0, 0, 0, 0])
    rule, record = rule_choice.chosen(scores, np.full(4, 0.25), [0.5])
    assert rule is RULES[1]
    assert ("chance" in record["said"]) is chance
    if chance:
        assert "25.0 ± 21.7 points" in record["said"]


def test_budgets_that_exit_1_alone_exceeds():
    dear = scorer(with_heads=(140, 150, 160))
    examples = tiny.examples((1, 1, 1))
    with pytest.raises(InputError, match=r"costs 93 %; .*--budget=1.4"):
        rule_choice.compare(None, examples, dear, RULES, BUDGETS[:1])


def test_the_shares_among_a_sweep_s_budgets():
    plan = policy_rules.PolicyPlan(
        policy_rules.rules(["0.75", "0.5", "2ms"], policy_rules.KINDS)
    )
    assert rule_choice.budgets_of(plan) == [0.5, 0.75]
    times = policy_rules.PolicyPlan(policy_rules.rules(["2ms"], ("shared",)))
    assert rule_choice.budgets_of(times) == [0.25, 0.5, 0.75]
