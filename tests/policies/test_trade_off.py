"""Curves, comparisons and verdicts of made answers."""

import json

import command_runs
import numpy as np
import pytest
from made_scores import CLASSES, COUNTS, EXITS, LABELS, make

from elf_keras.data import long_tail
from elf_keras.evaluation.answers import of_parts
from elf_keras.evaluation.scorer import Scorer
from elf_keras.exits.thresholds import ExitThresholds
from elf_keras.models import multiply_adds
from elf_keras.policies import held_out, policy_rules, sentences, trade_off

MACS = np.array([40, 90, 160])
TIMES = [1.0, 2.0, 4.0]
PLAN = policy_rules.PolicyPlan(
    policy_rules.rules(["0.9", "3ms"], policy_rules.KINDS),
    policy_rules.Guard(tolerance=0.3),
)


MANY = np.repeat(LABELS, 12)


def first_too_sure(seed):
    """Scores whose exit 1 needs another threshold than exit 2."""
    return make(MANY, seed) * np.array([[20], [1], [1]], "float32")


@pytest.fixture(scope="module")
def done():
    scorer = Scorer(
        classes=CLASSES,
        shot_groups=long_tail.shot_groups(COUNTS),
        costs=multiply_adds.ExitCosts(MACS, MACS - 10, 100, TIMES),
        thresholds=ExitThresholds.shared(0.5, EXITS),
    )
    splits = {
        "validation": of_parts([first_too_sure(seed=1)], MANY),
        "test": of_parts([first_too_sure(seed=2)], MANY),
    }
    return trade_off.sweep(splits, scorer, PLAN)


def test_choices_come_from_validation_alone(done):
    validation = {"validation": done.splits["validation"]}
    alone = trade_off.sweep(validation, done.scorer, PLAN)
    for name, choice in done.choices.items():
        found = alone.choices[name].thresholds
        assert choice.thresholds.to_json() == found.to_json()


def test_times_are_those_of_the_stages_reached(done):
    for name, choice in done.choices.items():
        at = done.point("test", choice.thresholds)
        expected = at["exit_shares"] @ [1, 3, 7]
        assert at["milliseconds"] == pytest.approx(expected), name


def test_rows_hold_every_point_of_both_curves(done):
    found = trade_off.rows(done)
    assert len(found) == sum(len(c.cost) for c in done.curves.values())
    for row in found[:: len(found) // 7]:
        s = np.float32(row["exit_threshold"])
        at = done.point(row["split"], ExitThresholds.shared(s, EXITS))
        for key in ("accuracy", "macs", "saving", "milliseconds"):
            assert row[key] == pytest.approx(at[key], rel=1e-3, abs=1e-5)
        share = pytest.approx(at["exit_shares"][0], abs=1e-6)
        assert row["share_exit_1"] == share


def test_own_thresholds_never_lose_on_validation(done):
    assert done.offers.gain.sure
    found = trade_off.compared(done)
    assert len(found) == trade_off.COMPARED
    for row in found:
        own, shared = row["per_exit"], row["shared"]
        assert own["validation"] >= shared["validation"] - 1e-9
    told = sentences.verdict(done.offers.gain, found)
    assert f"of {trade_off.COMPARED} budgets" in told


def test_a_verdict_tells_what_does_not_hold():
    def row(own):
        return {"shared": {"test": 0.5}, "per_exit": {"test": own}}

    gained = held_out.Gain(0.1, 0.03)
    told = sentences.verdict(gained, [row(0.6), row(0.4), row(0.6)])
    assert "+10.0 ± 3.0 points" in told
    assert "on test +3.3, and worse at 1 of 3 budgets" in told
    lost = sentences.verdict(held_out.Gain(-0.1, 0.05), [])
    assert "-10.0 ± 5.0 points" in lost
    assert "policies named _per_exit have one for all exits, too" in lost
    assert sentences.verdict(None, []) == "one threshold for all exits only"


def test_pictures_show_what_was_chosen_on_each_split(done):
    found = trade_off.pictured(done, {"0.5": 0.5})
    for split, part in found.items():
        assert part["static"]["macs"] == 100
        at = part["papers_grid"]["0.5"]
        expected = done.scorer.dynamic(
            done.splits[split], ExitThresholds.shared(0.5, EXITS)
        )
        assert at["accuracy"] == pytest.approx(expected["accuracy"])
        assert set(part["policies"]) == set(done.choices)
        assert len(part["per_exit"]["macs"]) == len(
            part["per_exit"]["exit_threshold"]
        )


@pytest.mark.slow
def test_a_sweep_of_many_classes_stays_in_memory():
    words = ("-m", "benchmarks.sweep", "--images=3000", "--classes=8142")
    ended = command_runs.ended(command_runs.child(*words))
    assert ended.status == 0, ended.err
    record = json.loads(ended.out)
    # All raw scores at once would be 490 MB more.
    assert record["peak_bytes"] - record["peak_bytes_of_imports"] < 450e6
    assert record["peak_bytes"] < 2e9
