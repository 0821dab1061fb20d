"""By which rule an export leaves: command line, policies, or the run."""

import contextlib
import json
import sys
import types
from unittest import mock

import command_runs
import pytest

from elf_keras.cli import thresholds_from_flags
from elf_keras.errors import InputError
from elf_keras.exits.answer_rule import PLAIN, AnswerRule
from elf_keras.exits.thresholds import ExitThresholds

ENTROPY = ("--exit_rule=entropy", "--exit_threshold=0.7")
RULE = {"kind": "shared", "unit": None, "limit": None}
SUMS = AnswerRule(exit_rule="margin", answer="running", answer_decay=0.25)


@contextlib.contextmanager
def flags(*words, of_run=()):
    """Flags that a run records, and a command line that wins."""
    with (
        mock.patch.object(sys, "argv", ["test", *words]),
        command_runs.fresh_flags("--workdir=run", *of_run, *words),
    ):
        yield


@pytest.fixture
def policies(tmp_path):
    """A policy file of margin and running sums, as a word."""
    record = {
        "format": 1,
        "model": {"exits": 3, "classes": 10, "score_scale": 1.0},
        "guard": {"tolerance": 0.05, "confidence": 0.9},
        "default_policy": "accurate",
        "policies": {"accurate": {"rule": RULE, "thresholds": [0.5, None]}},
        **SUMS.told,
    }
    path = tmp_path / "policy.json"
    path.write_text(json.dumps(record))
    return f"--policy_file={path}"


def test_an_export_leaves_as_the_run_does():
    with flags(of_run=ENTROPY):
        assert thresholds_from_flags.rule_to_export().exit_rule == "entropy"
    with flags("--exit_rule=patience", "--answer=running", of_run=ENTROPY):
        found = thresholds_from_flags.rule_to_export()
    rule = AnswerRule(exit_rule="patience", answer="running")
    assert found.leaves_as(rule)


def test_policies_bring_their_rule_with_them(policies):
    with flags(policies, of_run=ENTROPY):
        found = thresholds_from_flags.rule_to_export()
        assert found.leaves_as(SUMS)
        _, thresholds = thresholds_from_flags.policy(10, 3, found)
    assert thresholds.to_json() == [0.5, None]


def test_a_command_line_against_its_policies_is_refused(policies):
    with flags(policies, "--exit_rule=entropy"):
        found = thresholds_from_flags.rule_to_export()
        with pytest.raises(InputError, match="exit rule margin of running"):
            thresholds_from_flags.policy(10, 3, found)
    with (
        flags(policies, of_run=["--method=summed"]),
        pytest.raises(InputError, match="--method=summed"),
    ):
        thresholds_from_flags.rule_to_export()


def export(rule):
    """What `of_export` reads of an artefact."""
    return types.SimpleNamespace(
        class_names=[*"abcdefghij"],
        costs=types.SimpleNamespace(with_heads=[1, 2, 3]),
        rule=rule,
        thresholds_of=lambda name: ExitThresholds.of([0.25, None]),
    )


def test_an_export_is_scored_by_its_own_rule():
    """s of a run says nothing by another rule, whose default is taken."""
    for rule, words, s in (
        (AnswerRule(exit_rule="entropy"), (), 0.7),
        (PLAIN, (), 0.9),
        (AnswerRule(exit_rule="patience"), (), 0.5),
        (PLAIN, ("--exit_threshold=0.6",), 0.6),
    ):
        with flags(*words, of_run=ENTROPY):
            found = thresholds_from_flags.of_export(export(rule))
        assert found.number == pytest.approx(s)
    with flags("--policy=accurate", of_run=ENTROPY):
        found = thresholds_from_flags.of_export(export(SUMS))
    assert found.to_json() == [0.25, None]


@pytest.mark.parametrize(
    "words",
    [("--exit_rule=entropy",), ("--answer=running",), ("--answer_decay=0.3",)],
)
def test_a_rule_that_an_export_has_not_is_one_line(words):
    with flags(*words), pytest.raises(InputError) as refused:
        thresholds_from_flags.of_export(export(SUMS))
    told = "leaves by margin of running sums (decay 0.25); add --exit_rule=mar"
    assert told in str(refused.value)
    assert "\n" not in str(refused.value)
