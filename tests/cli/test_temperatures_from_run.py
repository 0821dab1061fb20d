"""Temperatures of a run: its policies', its training's, or none."""

import json

import numpy as np
import pytest
from command_runs import given_flags as flags

from elf_keras import runs
from elf_keras.cli import temperatures_from_run
from elf_keras.cli.thresholds_from_flags import Leaving
from elf_keras.exits.answer_rule import PLAIN, AnswerRule
from elf_keras.exits.thresholds import ExitThresholds

SUMS = AnswerRule(exit_rule="margin", answer="running", answer_decay=0.25)
RULE = {"kind": "shared", "unit": None, "limit": None}


@pytest.fixture
def folder(tmp_path):
    """A run with temperatures of its training, by own logits."""
    best = {"dynamic": PLAIN.told, "temperatures": [1.5, 2.5]}
    last = {"dynamic": PLAIN.told, "temperatures": [9, 9]}
    metrics = {"validation": {"last": last, "best": best}}
    (tmp_path / runs.METRICS).write_text(json.dumps(metrics))
    return tmp_path


def sweep(folder, rule, temperatures, **more):
    record = {
        "format": 1,
        "model": {"exits": 2, "classes": 10},
        "guard": {"tolerance": 0.05, "confidence": 0.9},
        "default_policy": "accurate",
        "policies": {"accurate": {"rule": RULE, "thresholds": [0.5]}},
        "temperatures": temperatures,
        **rule.told,
        **more,
    }
    (folder / "policy.json").write_text(json.dumps(record))


def found(folder, rule, policy=None):
    leaving = Leaving(rule, ExitThresholds.nobody(2), policy)
    return temperatures_from_run.of_run(folder, leaving, 2).tolist()


def of(folder, rule, policy=None):
    with flags(f"--workdir={folder}"):
        return found(folder, rule, policy)


def test_the_bare_backbone_has_one_of_its_own_logits(folder, capsys):
    """Of sums that of the last exit is none, but a sweep knows another."""
    assert of(folder, PLAIN, "static") == [2.5]
    sweep(folder, SUMS, [5.0, 6.0])
    assert of(folder, PLAIN, "static") == [2.5]
    sweep(folder, SUMS, [5.0, 6.0], static_temperature=4.5)
    assert of(folder, PLAIN, "static") == [4.5]
    assert capsys.readouterr().err == ""
    sweep(folder, SUMS, [5.0, 6.0])
    (folder / runs.METRICS).unlink()
    assert of(folder, AnswerRule(scale=4.0), "static") == [0.25]
    assert "no temperatures for the bare backbone" in capsys.readouterr().err


def test_policies_come_first_where_they_answer_alike(folder, capsys):
    entropy = AnswerRule(exit_rule="entropy")
    assert of(folder, entropy) == [1.5, 2.5]
    sweep(folder, PLAIN, [3.0, 4.0])
    assert of(folder, entropy) == [3.0, 4.0]
    sweep(folder, SUMS, [5.0, 6.0])
    assert of(folder, entropy) == [1.5, 2.5]
    assert of(folder, SUMS) == [5.0, 6.0]
    assert capsys.readouterr().err == ""


def test_those_of_another_run_come_last(folder, tmp_path_factory):
    """Its logits are of another height, whatever its thresholds are worth."""
    other = tmp_path_factory.mktemp("other")
    sweep(other, PLAIN, [3.0, 4.0])
    with flags(f"--workdir={folder}", f"--policy_file={other}/policy.json"):
        seen = [found(folder, PLAIN)]
        sweep(folder, PLAIN, [5.0, 6.0])
        seen.append(found(folder, PLAIN))
        (folder / "policy.json").unlink()
        (folder / runs.METRICS).unlink()
        seen.append(found(folder, PLAIN))
    assert seen == [[1.5, 2.5], [5.0, 6.0], [3.0, 4.0]]


@pytest.mark.parametrize("other", ["answer", "decay", "exits", "absent"])
def test_probabilities_that_nothing_calibrates_are_said_to_be_so(
    folder, capsys, other
):
    rule = AnswerRule(scale=4.0)
    if other == "answer":
        rule = AnswerRule(scale=4.0, answer="running")
    elif other == "decay":
        sweep(folder, SUMS, [5.0, 6.0])
        rule = AnswerRule(scale=4.0, answer="running", answer_decay=0.5)
    elif other == "exits":
        sweep(folder, rule, [5.0, 6.0, 7.0])
        (folder / runs.METRICS).unlink()
    else:
        (folder / runs.METRICS).unlink()
    np.testing.assert_array_equal(of(folder, rule), [0.25, 0.25])
    assert "probabilities are not calibrated" in capsys.readouterr().err
