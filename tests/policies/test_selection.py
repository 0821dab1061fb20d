"""Policies on a few images whose best thresholds can be read off."""

import warnings

import numpy as np
import pytest

from elf_keras.evaluation.answers import Answers
from elf_keras.evaluation.scorer import Scorer
from elf_keras.exits.thresholds import ExitThresholds
from elf_keras.models import multiply_adds
from elf_keras.policies import policy_rules, selection

COSTS = np.array([20, 60, 110])
BACKBONE = 100
EASY = {
    # Two easy ones right at exit 1, a wrong one there, a hard one.
    "confidence": [
        [0.9] * 3,
        [0.8, 0.9, 0.9],
        [0.6, 0.7, 0.9],
        [0.5, 0.55, 0.9],
    ],
    "correct": [[1, 1, 1], [1, 1, 1], [0, 1, 1], [0, 0, 1]],
}


def answers(confidence, correct, labels=None):
    correct = np.array(correct, bool)
    labels = np.zeros(len(correct), int) if labels is None else labels
    confidence = np.array(confidence, "float32")
    classes = np.where(correct, labels[:, None], labels[:, None] + 1)
    return Answers(labels, classes, confidence, confidence, classes[:, -1])


def scorer(costs=COSTS, backbone=BACKBONE, classes=1, **groups):
    return Scorer(
        classes=classes,
        shot_groups=groups or {"few": np.ones(classes, bool)},
        costs=multiply_adds.ExitCosts(costs, costs - 10, backbone),
        thresholds=ExitThresholds.shared(0.9, len(costs)),
    )


def limit(choice):
    """The one threshold of a shared policy."""
    assert len(set(choice.thresholds.to_json())) <= 1
    return choice.thresholds.early[0]


def plan(*budgets, guard=None):
    rules = policy_rules.rules(list(budgets), (policy_rules.SHARED,))
    return policy_rules.PolicyPlan(rules, guard)


FREE = plan(*policy_rules.BUDGETS)


def choose(found, plan=FREE, *, scorer=None, ms=None):
    scorer = (scorer or globals()["scorer"]()).timed(ms)
    return selection.choose(found, scorer, plan)[0]


@pytest.mark.parametrize(
    ("name", "low", "high"),
    [
        # Nothing is lost: two leave at exit 1, one at exit 2: mean 52.5.
        ("accurate", 0.6, 0.7),
        # One leaves at exit 1, one at exit 2, two stay: 75. Two at exit 1: 65.
        ("macs_75", 0.8, 0.9),
        # The third leaves at exit 1 and is wrong, the last stays: 42.5.
        ("macs_50", 0.55, 0.6),
        # All at exit 1.
        ("macs_25", 0.0, 0.5),
    ],
)
def test_the_cheapest_that_loses_nothing_and_budgets_that_are_spent(
    name, low, high
):
    found = choose(answers(**EASY))
    assert low <= limit(found[name]) < high
    assert np.isinf(found["all_exits"].thresholds.early).all()
    # Clear of every confidence.
    reached = np.array(EASY["confidence"])[:, :2]
    assert np.abs(reached - limit(found["accurate"])).min() > 0.04


def lucky(images, count):
    """At exit 1 all but one are right; `count` of them wrong at exit 2."""
    right = np.ones((images, 3), bool)
    right[0, 0] = False
    right[1 : 1 + count, 1:] = False
    return answers([[0.9, 0.95, 0.99]] * images, right)


@pytest.mark.parametrize(
    ("wrong_later", "leaves_early"), [(0, False), (3, False), (40, True)]
)
def test_less_compute_must_be_surely_better(wrong_later, leaves_early):
    """Exit 1 costs 20, exit 2 60; s of 0.9 or more keeps all from exit 1.

    Of 100 images one is gained by that, and 0, 3 or 40 are lost: by leaving
    -1 ± 1, 2 ± 2 and 39 ± 5 points.
    """
    s = limit(choose(lucky(100, wrong_later), plan("0.6"))["macs_60"])
    assert (s < 0.9) == leaves_early


def test_of_what_spends_the_budget_the_most_accurate_is_taken():
    """At s of 0.8 or more one image goes on: 20.4 for 20, and it is lost."""
    found = answers(
        [[0.95, 0.97, 0.99]] * 99 + [[0.8, 0.97, 0.99]],
        [[1, 1, 1]] * 99 + [[1, 0, 0]],
    )
    assert limit(choose(found, plan("0.21"))["macs_21"]) < 0.8


def test_a_budget_below_the_first_exit_is_left_out_and_said():
    chosen, left_out = selection.choose(
        answers(**EASY), scorer(backbone=50), FREE
    )
    assert "macs_25" not in chosen
    assert left_out == [
        "macs_25: the first exit alone costs 40 % of the backbone's MACs; "
        "left out"
    ]


def test_nobody_leaves_where_every_early_answer_is_wrong():
    found = answers([[0.9, 0.9, 0.5]] * 2, [[0, 0, 1]] * 2)
    assert np.isinf(choose(found)["accurate"].thresholds.early).all()


@pytest.mark.parametrize("confidence", [1.0, 1e-30])
def test_thresholds_stay_inside_the_open_interval(confidence):
    found = choose(answers([[confidence, 0.9, 0.9]], [[1, 1, 1]]))
    for choice in found.values():
        s = limit(choice)
        assert np.isinf(s) or 0 < np.float32(s) < 1


def test_without_early_exits_all_policies_are_the_same():
    alone = scorer(np.array([100]), 100)
    found = choose(answers([[0.9]], [[True]]), scorer=alone)
    assert {len(each.thresholds.early) for each in found.values()} == {0}


def test_an_exit_that_errs_gets_a_threshold_of_its_own():
    """Exit 1 is sure and wrong, exit 2 less sure and right."""
    found = answers([[0.9, 0.6, 0.9]] * 3, [[0, 1, 1]] * 3)
    rules = policy_rules.rules([], policy_rules.KINDS)
    chosen = choose(found, policy_rules.PolicyPlan(rules))
    assert np.isinf(chosen["accurate"].thresholds.early).all()
    first, second = chosen["accurate_per_exit"].thresholds.early
    assert first >= np.float32(0.9)
    assert second < 0.6


def test_a_budget_of_time_counts_stages():
    # All at exit 1: 1 ms; two at exit 1, one at 2, one at 3: 2.25 ms.
    found = choose(answers(**EASY), plan("2.3ms", "1ms"), ms=[1.0, 1.0, 2.0])
    assert 0.6 <= limit(found["ms_2.3"]) < 0.7
    assert limit(found["ms_1"]) < 0.5
    found, asked = answers(**EASY), plan("2.3ms")
    chosen, left_out = selection.choose(found, scorer(), asked)
    assert list(chosen) == ["all_exits", "accurate"]
    assert left_out == ["ms_2.3: no times of stages are known here; left out"]


GUARD = policy_rules.Guard(tolerance=0.05)
# All sure at once. Class 0: always right. Class 1: four, one lost early.
SURE, BOTH = [[0.9] * 3] * 44, np.repeat([0, 1], [40, 4])
RARE = answers(SURE, [[1, 1, 1]] * 43 + [[0, 1, 1]], BOTH)
OF_TWO = scorer(
    classes=2, many=np.array([True, False]), few=np.array([False, True])
)


def test_without_a_budget_the_guard_takes_a_dearer_policy_and_says_so():
    found = answers(SURE, [[1, 1, 1]] * 44, BOTH)
    free = choose(found, plan(), scorer=OF_TWO)["accurate"]
    assert limit(free) < 0.9
    kept = choose(found, plan(guard=GUARD), scorer=OF_TWO)["accurate"]
    assert np.isinf(kept.thresholds.early).all()
    assert kept.kept is True
    assert kept.losses["few"] == {"loss": 0.0, "bound": 0.0}
    for word in ("110 % of the", "instead of 20 %", "`few`", "5 are allowed"):
        assert word in kept.said


def test_a_budget_holds_and_says_what_a_group_may_lose():
    # Everyone leaves at exit 1, or nobody early.
    free = choose(RARE, plan("0.5"), scorer=OF_TWO)["macs_50"]
    assert limit(free) < 0.9
    kept = choose(RARE, plan("0.5", guard=GUARD), scorer=OF_TWO)["macs_50"]
    assert kept.thresholds.to_json() == free.thresholds.to_json()
    assert kept.kept is False
    assert kept.losses["few"]["loss"] == pytest.approx(0.25)
    assert kept.losses["few"]["bound"] > 0.25
    for word in ("within this budget `few` may lose", "5 are allowed"):
        assert word in kept.said


def test_a_guard_of_any_loss_changes_nothing():
    loose = plan("0.5", guard=policy_rules.Guard(tolerance=1.0))
    for name, choice in choose(RARE, loose, scorer=OF_TWO).items():
        free = choose(RARE, plan("0.5"), scorer=OF_TWO)[name]
        assert choice.thresholds.to_json() == free.thresholds.to_json()
        assert choice.said is None


def test_scores_are_those_of_the_split_that_is_asked():
    chosen = choose(answers(**EASY))["accurate"].thresholds
    timed = scorer().timed([1.0, 1.0, 2.0])
    found = selection.score(chosen, answers(**EASY), timed)
    assert found["accuracy"] == 1
    assert found["macs"] == pytest.approx((20 + 20 + 60 + 110) / 4)
    assert found["milliseconds"] == pytest.approx((1 + 1 + 2 + 4) / 4)
    np.testing.assert_allclose(found["exit_shares"], [0.5, 0.25, 0.25])


def test_a_model_of_one_exit_has_the_policies_of_a_sweep_too():
    """An export of it offers names that others have; nobody can leave."""
    found = answers([[0.9], [0.8], [0.7]], [[1], [0], [1]])
    alone = scorer(costs=np.array([100]))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        chosen, left_out = selection.choose(
            found, alone, policy_rules.by_default(0)
        )
    assert set(chosen) == {"all_exits", "accurate", "accurate_per_exit"}
    for choice in chosen.values():
        assert choice.thresholds.to_json() == []
        assert choice.kept in (None, True)
    assert len(left_out) == 6
