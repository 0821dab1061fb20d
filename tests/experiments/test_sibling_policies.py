"""Kept models at thresholds of their siblings: what is on record adds up."""

import numpy as np
import pytest

from elf_keras import runs
from experiments import planned_runs, sibling_policies, tables

ROWS = runs.read_json(sibling_policies.RECORD)["rows"]


def result(name):
    return runs.read_json(tables.RESULTS / f"{name}.json")


def test_every_pair_that_was_made_is_scored_by_every_policy():
    pairs = sibling_policies.siblings()
    expected = [(n, s, p) for n, s in pairs.items() for p in POLICIES]
    assert pairs
    assert [
        (row["model"], row["sibling"], row["policy"]) for row in ROWS
    ] == expected


POLICIES = sibling_policies.POLICIES


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["policy"])
def test_the_saving_is_that_of_the_shares_and_the_full_models_costs(row):
    exits = result(row["model"])["run"]["model"]["exits"]
    shares = np.array(row["exit_shares"])
    spent = shares @ [each["macs"] for each in exits]
    assert shares.sum() == pytest.approx(1)
    bare = exits[-1]["macs_without_heads"]
    assert row["saving"] == pytest.approx(1 - spent / bare)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["policy"])
def test_the_correction_is_the_siblings_and_chosen_on_its_validation(row):
    scores = result(row["sibling"])["metrics"]["train"]
    told = scores.get("best", scores["last"])["prior_correction"]
    assert told["chosen_by"] == "validation"
    assert {each["tau"] for each in told["exits"]} == {row["tau"]}


def test_a_sibling_trains_as_the_full_run_does_but_for_its_length():
    """And for t, which LDAM does not reach in so short a training."""
    plan = planned_runs.of("pooled")
    dropped = (*planned_runs.SHORT, *planned_runs.CORRECTED)
    for name, sibling in sibling_policies.siblings().items():
        own = set(plan[name]) - {"--validation_fraction=0"}
        other = set(plan[sibling]) - {*dropped, *planned_runs.THRESHOLD}
        assert own - set(dropped) == other
