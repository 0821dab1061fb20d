"""How runs and exports leave: by command line, policies, or the run."""

import json
import types

import pytest
from command_runs import given_flags as flags

from elf_keras.cli import policies_from_flags, thresholds_from_flags
from elf_keras.errors import InputError
from elf_keras.exits.answer_rule import PLAIN, AnswerRule
from elf_keras.exits.thresholds import ExitThresholds
from elf_keras.policies import policy_rules

ENTROPY = ("--exit_rule=entropy", "--exit_threshold=0.7")
RULE = {"kind": "shared", "unit": None, "limit": None}
SUMS = AnswerRule(exit_rule="margin", answer="running", answer_decay=0.25)


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


BOTH = (policies_from_flags.to_export, thresholds_from_flags.of_run)


def test_an_export_of_a_run_unswept_is_what_a_sweep_would_choose():
    with flags("--seed=7", of_run=ENTROPY):
        found = policies_from_flags.to_export(10, 3)
    assert found.rule.exit_rule == "entropy"
    assert found.plan == policy_rules.by_default(7)
    assert found.default == "accurate"
    assert found.plan.guard == policy_rules.Guard(0.05, 0.9, 1000, 7)
    kinds = {(rule.name, rule.kind) for rule in found.plan.rules}
    assert {("macs_75", "shared"), ("macs_25_per_exit", "per_exit")} <= kinds
    for word in ("run/policy.json does not exist", "5 points", "90 % sure"):
        assert word in found.said
    words = ("--exit_rule=patience", "--answer=running", "--policy=macs_50")
    with flags(*words, of_run=ENTROPY):
        found = policies_from_flags.to_export(10, 3)
    rule = AnswerRule(exit_rule="patience", answer="running")
    assert found.rule.leaves_as(rule)
    assert found.default == "macs_50"


def test_a_policy_that_an_export_would_not_have():
    with flags("--policy=macs_33"), pytest.raises(InputError) as refused:
        policies_from_flags.to_export(10, 3)
    for word in ("--policy=macs_33", "all_exits, accurate, macs_75", "sweep"):
        assert word in str(refused.value)


@pytest.mark.parametrize("function", BOTH)
def test_policies_bring_their_rule_with_them(policies, function, capsys):
    with flags(policies, of_run=ENTROPY):
        found = function(10, 3)
        assert found.rule.leaves_as(SUMS)
        chosen = thresholds_from_flags.of_run(10, 3)
    assert chosen.thresholds.to_json() == [0.5, None]
    assert chosen.policy == "accurate"
    said = "margin of running sums (decay 0.25) above 0.5, never"
    assert said in capsys.readouterr().err


def test_the_runs_own_policies_are_those_of_its_export(policies, tmp_path):
    record = json.loads((tmp_path / "policy.json").read_text())
    with flags(f"--workdir={tmp_path}"):
        found = policies_from_flags.to_export(10, 3)
    assert found.rule.leaves_as(SUMS)
    assert found.plan.guard == policy_rules.Guard(**record["guard"])
    assert [rule.name for rule in found.plan.rules] == ["accurate"]
    assert str(tmp_path / "policy.json") in found.said


@pytest.mark.parametrize("here", ["uniform", "train"])
def test_an_export_says_where_means_are_others(
    policies, tmp_path, here, capsys
):
    path = tmp_path / "policy.json"
    record = json.loads(path.read_text()) | {"deployment_prior": "train"}
    path.write_text(json.dumps(record))
    with flags(policies, f"--deployment_prior={here}"):
        policies_from_flags.to_export(10, 3)
    said = "chosen by --deployment_prior=train; here" in capsys.readouterr().err
    assert said is (here == "uniform")


@pytest.mark.parametrize("function", BOTH)
def test_a_command_line_against_its_policies_is_refused(policies, function):
    for decay in ("0.25", "validation"):
        same = ("--exit_rule=margin", f"--answer_decay={decay}")
        with flags(policies, *same):
            assert function(10, 3).rule.leaves_as(SUMS)
    for word in ("--exit_rule=entropy", "--answer=own", "--answer_decay=0.5"):
        with flags(policies, word), pytest.raises(InputError) as refused:
            function(10, 3)
        told = str(refused.value)
        assert "exit rule margin of running sums (decay 0.25)" in told
        assert word in told
    with (
        flags(policies, of_run=["--method=summed"]),
        pytest.raises(InputError, match="--method=summed"),
    ):
        function(10, 3)


def export(rule):
    """What `of_export` reads of an artefact."""
    return types.SimpleNamespace(
        class_names=[*"abcdefghij"],
        costs=types.SimpleNamespace(with_heads=[1, 2, 3]),
        rule=rule,
        default_policy="accurate",
        advice={"accurate": "take static"},
        alone=True,
        thresholds_of=lambda name: ExitThresholds.of([0.25, None]),
    )


def test_an_export_is_scored_by_its_own_rule():
    """At s, where the command line says it."""
    for rule, words, s in (
        (AnswerRule(exit_rule="entropy"), ("--exit_threshold=0.8",), 0.8),
        (PLAIN, ("--exit_threshold=0.6",), 0.6),
        # The default of the export's rule, not of the run's.
        (PLAIN, ("--exit_threshold=auto",), 0.9),
        (AnswerRule(exit_rule="patience"), ("--exit_threshold=auto",), 0.5),
    ):
        with flags(*words, of_run=ENTROPY):
            found = thresholds_from_flags.of_export(export(rule))
        assert found.thresholds.number == pytest.approx(s)
        assert (found.rule, found.policy) == (rule, None)


@pytest.mark.parametrize("words", [(), ("--policy=accurate",)])
def test_an_export_is_scored_as_it_is_used(words):
    """By its default policy, though the run has a threshold."""
    with flags(*words, of_run=(*ENTROPY, "--exit_threshold=0.7")):
        found = thresholds_from_flags.of_export(export(SUMS))
    assert found.thresholds.to_json() == [0.25, None]
    assert (found.policy, found.advice) == ("accurate", "take static")


def test_a_decay_that_was_left_to_validation_is_that_of_the_export():
    """As of a flagfile that serves all commands."""
    words = ("--answer=running", "--answer_decay=validation")
    with flags("--exit_rule=margin", *words):
        found = thresholds_from_flags.of_export(export(SUMS))
    assert found.rule.leaves_as(SUMS)
    with flags(*words), pytest.raises(InputError, match="--answer=running"):
        thresholds_from_flags.of_export(export(PLAIN))


def test_an_export_says_that_no_sweep_chose_the_decay(tmp_path, capsys):
    words = ("--answer=running", "--answer_decay=validation")
    for given, told in ((words, True), (words[:1], False), (words[1:], False)):
        with flags(f"--workdir={tmp_path}", *given):
            policies_from_flags.to_export(10, 3)
        said = capsys.readouterr().err
        assert ("no sweep has chosen the decay" in said) is told


@pytest.mark.parametrize(
    "words",
    [("--exit_rule=entropy",), ("--answer=own",), ("--answer_decay=0.3",)],
)
def test_a_rule_that_an_export_has_not_is_one_line(words):
    with flags(*words), pytest.raises(InputError) as refused:
        thresholds_from_flags.of_export(export(SUMS))
    told = "leaves by margin of running sums (decay 0.25); leave these flags"
    assert told in str(refused.value)
    assert words[0] in str(refused.value)
    assert "\n" not in str(refused.value)


def test_the_bare_backbone_is_a_policy_of_every_run_and_export(policies):
    """It needs no file, and answers by own scores whatever the rule is."""
    with flags("--policy=static", of_run=ENTROPY):
        found = thresholds_from_flags.of_run(10, 3)
        of_export = thresholds_from_flags.of_export(export(SUMS))
        offered = policies_from_flags.to_export(10, 3)
    for each in (found, of_export):
        assert each.is_static
        assert each.thresholds.to_json() == [None, None]
        assert each.rule.leaves_as(PLAIN)
        assert each.advice is None
    # All other policies of an export leave as before.
    assert offered.default == "static"
    assert offered.rule.exit_rule == "entropy"
    with flags("--policy=static", policies):
        offered = policies_from_flags.to_export(10, 3)
    assert offered.default == "static"
    assert offered.rule.leaves_as(SUMS)


@pytest.mark.parametrize(("text", "s"), [("auto", 0.2), ("0.5", 0.5)])
def test_a_threshold_suits_the_logits_of_an_export(text, s):
    """2/C of 10 cosines; 0.5 is in reach of those that were corrected."""
    cosines = export(AnswerRule(scale=30.0))
    with flags(f"--exit_threshold={text}"):
        found = thresholds_from_flags.of_export(cosines)
    assert found.thresholds.number == pytest.approx(s)


def test_a_chain_alone_has_no_bare_backbone():
    found = export(PLAIN)
    found.alone = False
    refused = pytest.raises(InputError, match="exported by --chain_only")
    with flags("--policy=static"), refused:
        thresholds_from_flags.of_export(found)
