"""Kept models at thresholds of their siblings: what is on record adds up."""

import numpy as np
import pytest

from elf_keras import runs
from experiments import sibling_policies, tables

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
    told = scores.get("best", scores["last"]).get("prior_correction")
    if flags(row["sibling"])["prior_correction"] == "none":
        assert told is None
        assert row["tau"] == 0
    else:
        assert told["chosen_by"] == "validation"
        assert {each["tau"] for each in told["exits"]} == {row["tau"]}


# What may differ: a validation split and what is chosen with it, how a model
# answers, length, and t, which LDAM does not reach in a short training.
OTHER = {
    *("data_dir", "workdir", "validation_fraction", "prior_correction"),
    *("exit_rule", "answer", "answer_decay", "epochs", "train_threshold"),
}


def flags(name):
    """Return flag -> value of a recorded run; of a switch, its whole line."""
    lines = [line[2:] for line in result(name)["run"]["flags"]]
    pairs = (line.split("=", 1) for line in lines if "=" in line)
    switches = {x.removeprefix("no"): x for x in lines if "=" not in x}
    return dict(pairs) | switches


@pytest.mark.parametrize("pair", sibling_policies.siblings().items())
def test_a_sibling_trains_as_the_full_run_does(pair):
    full, sibling = map(flags, pair)
    # Of `best`, one chooses for both seeds and methods.
    of_best = {"seed", "method"} if "best" in pair[0] else set()
    for name in full.keys() & sibling.keys() - OTHER - of_best:
        assert full[name] == sibling[name], name
