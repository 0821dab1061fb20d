"""Exit rules and answers: the sweep command, and all that take its policies."""

import itertools
import json

import command_runs
import made_run
import numpy as np
import pytest
from command_runs import swept

from elf_keras import choices, runs

LOOSE = "--group_tolerance=1"


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A run, and the data that commands find."""
    made_run.give(monkeypatch)
    return made_run.folder(tmp_path / "run")


@pytest.mark.slow
@pytest.mark.parametrize("rule", ["entropy", "margin", "patience"])
def test_another_exit_rule(folder, tmp_path, rule):
    by = f"--exit_rule={rule}"
    _, record = swept(folder, by, LOOSE, "--budget=1.3")
    assert record["exit_rule"] == rule
    curve = runs.read_json(folder / "curve.json")
    assert curve["exit_rule"] == rule
    assert curve["splits"]["test"]["papers_grid"] == {}
    words = (f"--workdir={folder}", "--policy=accurate")
    found, _ = command_runs.evaluated(folder, *words[1:])
    assert command_runs.evaluated(folder, *words[1:], by)[0] == found
    dynamic = found["test"]["dynamic"]
    assert dynamic["exit_rule"] == rule
    for key in ("accuracy", "macs", "exit_shares"):
        expected = record["policies"]["accurate"]["test"][key]
        assert dynamic[key] == pytest.approx(expected)
    command_runs.draw(tmp_path / "a.png")
    ended = command_runs.done("predict", *words, tmp_path / "a.png")
    assert 0 < json.loads(ended.out)[rule] <= 1
    out = f"--output={tmp_path / 'out'}"
    confidence = "--exit_rule=confidence"
    refusing = {
        "evaluate": (confidence,),
        "predict": (confidence, "a.png"),
        "export": (out, confidence),
    }
    for command, more in refusing.items():
        says = [f"exit rule {rule}", confidence]
        command_runs.refused(command, *words, *more, says=says)
    assert not (tmp_path / "out").exists()


@pytest.mark.slow
def test_all_rules_are_compared_and_the_best_is_swept(folder):
    budgets = "--budget=1.2,1.6"
    ended, record = swept(folder, "--exit_rule=all", LOOSE, budgets)
    compared = record["compared"]
    names = [(at["exit_rule"], at["answer"]) for at in compared["rules"]]
    both = itertools.product(choices.EXIT_RULES, choices.ANSWERS)
    assert sorted(names) == sorted(both)
    best = max(compared["rules"], key=lambda at: at["mean"])
    told = {key: best[key] for key in ("exit_rule", "answer", "answer_decay")}
    assert {key: record[key] for key in told} == told
    assert compared["budgets"] == [1.2, 1.6]
    for text in (compared["said"], "160 %", "chosen by accuracy on validation"):
        assert text in ended.out
    # Within the larger budget the policy is what the table says, or spends.
    policy = record["policies"]["macs_160"]["validation"]
    assert policy["accuracy"] <= best["accuracy"][1] + 1e-9
    again = swept(folder, LOOSE, budgets, *flags_of(told))[1]
    assert again["policies"].keys() == record["policies"].keys()
    for name, at in again["policies"].items():
        assert at["thresholds"] == record["policies"][name]["thresholds"]


def flags_of(told):
    return [f"--{name}={value}" for name, value in told.items()]


@pytest.mark.parametrize("command", ["evaluate", "predict", "train", "report"])
def test_all_rules_are_for_a_sweep_alone(folder, command):
    words = {"report": [folder], "predict": ["a.png"]}.get(command, [])
    says = ["--exit_rule=all", "elf-keras sweep", "depth_confidence"]
    given = (f"--workdir={folder}", "--exit_rule=all")
    command_runs.refused(command, *given, *words, says=says)


@pytest.mark.slow
def test_running_sums_in_every_command(folder, tmp_path):
    told = {"exit_rule": "depth_confidence", "answer": "running"}
    words = flags_of(told | {"answer_decay": 0.25})
    ended, record = swept(folder, *words, LOOSE, "--budget=1.3")
    assert "depth_confidence of running sums (decay 0.25)" in ended.out
    curve = runs.read_json(folder / "curve.json")
    assert (curve["answer"], curve["answer_decay"]) == ("running", 0.25)
    named = ("--policy=accurate",)
    found, _ = command_runs.evaluated(folder, *named)
    for key in ("accuracy", "macs", "exit_shares"):
        expected = record["policies"]["accurate"]["test"][key]
        assert found["test"]["dynamic"][key] == pytest.approx(expected)
    plain, _ = command_runs.evaluated(folder)
    for mode in ("static", "mean_of_exits"):
        assert found["test"][mode] == plain["test"][mode]
    command_runs.draw(tmp_path / "a.png")
    given = (f"--workdir={folder}", tmp_path / "a.png")
    ended = command_runs.done("predict", *given, *named)
    assert 0 < json.loads(ended.out)["depth_confidence"] <= 1
    assert "depth_confidence of running sums (decay 0.25) above" in ended.err
    says = ["of running sums (decay 0.25)", "--answer=own"]
    command_runs.refused("predict", *given, *named, "--answer=own", says=says)


@pytest.mark.slow
@pytest.mark.parametrize("rule", ["margin", "all"])
def test_a_decay_that_validation_chooses(folder, rule):
    """Told, kept, and used by whoever takes the policies."""
    words = (f"--exit_rule={rule}", "--answer=running", LOOSE, "--budget=1.3")
    by_validation = "--answer_decay=validation"
    ended, record = swept(folder, *words, by_validation)
    decays = record["decays"]
    losses, errors = map(np.array, (decays["losses"], decays["errors"]))
    near = losses - losses.min() <= errors + 1e-12
    best = decays["decays"][int(near.argmax())]
    assert record["answer_decay"] == best
    assert f"running sums with a decay of {best:g}" in ended.err
    rules = record.get("compared", {}).get("rules", [])
    assert {at["answer_decay"] for at in rules} <= {best}
    found, _ = command_runs.evaluated(folder, "--policy=accurate")
    assert found["test"]["dynamic"]["answer_decay"] == best
    again = swept(folder, *words, f"--answer_decay={best}")[1]
    for name, at in again["policies"].items():
        assert at["thresholds"] == record["policies"][name]["thresholds"]
    assert "decays" not in again


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--answer_decay=1.5"], "answer_decay"),
        (["--answer_decay=-0.1"], "answer_decay"),
        (["--answer_decay=nan"], "answer_decay"),
        (["--answer_decay=test"], "from 0 to 1, or validation"),
        (["--answer=mean"], "answer"),
        (["--exit_rule=surest"], "exit_rule"),
        (["--method=summed", "--answer=running"], "--method=summed"),
    ],
)
def test_rules_and_answers_that_there_are_not(folder, words, says):
    given = (f"--workdir={folder}", *words)
    command_runs.refused("evaluate", *given, says=[says])


@pytest.mark.slow
def test_an_export_leaves_by_the_rule_that_is_asked_for(folder, tmp_path):
    words = (f"--workdir={folder}", f"--output={tmp_path / 'out'}")
    command_runs.done(
        "export", *words, "--exit_rule=entropy", "--formats=saved_model"
    )
    manifest = runs.read_json(tmp_path / "out" / "1" / "manifest.json")
    assert manifest["exit_rule"] == "entropy"


def test_auto_is_a_default_of_the_exit_rule(folder):
    for rule, s in (("confidence", 0.9), ("margin", 0.85), ("patience", 0.5)):
        found, _ = command_runs.evaluated(folder, f"--exit_rule={rule}")
        told = found["test"]["dynamic"]["exit_threshold"]
        assert told == pytest.approx(s)
