"""What a run's folder tells, whole, stopped or damaged."""

import itertools

import made_report
import pytest

from elf_keras import errors, runs
from elf_keras.reports import run_folder

RECORDS = ("run.json", "metrics.json", "curve.json", "policy.json")
TABLES = ("history.csv", "per_class.csv")
DAMAGED = ('{"cut": ', '{"test": {"best": {}}}', "[]")


@pytest.fixture
def folder(tmp_path):
    return made_report.view(tmp_path / "run").folder


def test_a_whole_run(folder):
    assert folder.name == "run"
    assert [row["epoch"] for row in folder.history] == [1, 2, 3, 4]
    assert folder.scores("test")["epoch"] == 3
    assert folder.scores("train") is not None
    assert folder.scores("nowhere") is None
    assert [text for text in folder.missing if "has not finished" in text] == []
    assert any("elf-keras sweep" in text for text in folder.missing)
    # Epochs from 0: the third epoch, number 2, has the lower rate.
    assert folder.decays() == [2]
    assert folder.reweighted_from() == 2


def policy_of(folder, **told):
    """Write a policy file of an exit rule into a run's folder."""
    thresholds = [0.5] * (len(folder.exits) - 1)
    rule = {"kind": "shared", "unit": None, "limit": None}
    record = {
        "format": 1,
        "model": {"exits": len(folder.exits)},
        "guard": {"tolerance": 0.05, "confidence": 0.9},
        "default_policy": "accurate",
        "policies": {"accurate": {"rule": rule, "thresholds": thresholds}},
    }
    runs.write_json(folder.path / "policy.json", record | told)


RUNNING = {"exit_rule": "margin", "answer": "running", "answer_decay": 0.25}


def test_policies_of_another_exit_rule_than_is_told(folder):
    policy_of(folder, **RUNNING)
    found = run_folder.read(folder.path, told={"exit_rule": "entropy"})
    assert found.policies == {}
    words = "--exit_rule=margin --answer=running --answer_decay=0.25"
    (told,) = (text for text in found.missing if "policy.json" in text)
    assert f"make the page with {words}" in told
    assert "margin of running sums (decay 0.25)" in told
    assert not any("No policies yet" in t for t in found.missing)


def test_a_page_has_the_exit_rule_of_the_policies(folder):
    policy_of(folder, **RUNNING)
    told = {key: str(value) for key, value in RUNNING.items()}
    for words in (None, {}, told):
        found = run_folder.read(folder.path, told=words)
        assert list(found.policies) == ["accurate"]
        assert found.rule.told == RUNNING
        assert found.own_rule.exit_rule == "confidence"
        # They are as the run was trained.
        assert "answer" not in found.flags
        assert not any("policy.json" in text for text in found.missing)
    with (folder.path / runs.FLAGS).open("a") as file:
        file.write("".join(f"--{key}={text}\n" for key, text in told.items()))
    read = run_folder.read(folder.path)
    assert read.policies == found.policies
    assert read.own_rule.told == RUNNING


def test_a_curve_of_another_exit_rule_is_not_drawn(folder):
    runs.write_json(folder.path / "curve.json", {"splits": {}, **RUNNING})
    assert run_folder.read(folder.path).curve is None
    told = {key: str(value) for key, value in RUNNING.items()}
    assert run_folder.read(folder.path, told=told).curve == {
        "splits": {},
        **RUNNING,
    }


def test_a_decay_that_is_no_number(folder):
    policy_of(folder)
    with pytest.raises(errors.InputError, match=runs.FLAGS):
        run_folder.read(folder.path, told={"answer_decay": "half"})


def test_a_decay_that_a_sweep_is_to_choose(folder):
    """A half, as by default, until policies say which."""
    with (folder.path / runs.FLAGS).open("a") as file:
        file.write("--answer=running\n--answer_decay=validation\n")
    assert run_folder.read(folder.path).rule.answer_decay == 0.5
    policy_of(folder, **RUNNING)
    read = run_folder.read(folder.path)
    assert read.rule.told == RUNNING
    assert read.own_rule.answer_decay == 0.5
    assert list(read.policies) == ["accurate"]
    for told in ({"exit_rule": "margin"}, {"answer_decay": "validation"}):
        again = run_folder.read(
            folder.path, told={**told, "exit_rule": "margin"}
        )
        assert again.rule.told == RUNNING
        assert list(again.policies) == ["accurate"]


def test_flags_without_a_value_are_booleans(tmp_path):
    found = made_report.of_flags(tmp_path / "run", "--noflip --resume --seed=3")
    assert found.flags == {"noflip": "false", "resume": "true", "seed": "3"}


def test_a_stopped_run_tells_how_far_it_got(tmp_path):
    path = made_report.of_flags(tmp_path / "run", "--epochs=30").path
    history = made_report.history(2, epochs=3)
    sound = path / "checkpoints" / "epoch_0002.json"
    runs.write_json(sound, {"history": history})
    # A newer one that a crash cut off.
    sound.with_name("epoch_0003.json").write_text('{"history": [')
    found = run_folder.read(path)
    assert found.history == history
    assert found.missing == (
        "The run has not finished: 3 of 30 epochs are recorded, and there are "
        "no scores yet. Continue it with elf-keras train --resume.",
    )


@pytest.mark.parametrize(
    ("flags", "expected"),
    [
        ("--class_weighting=none --reweight_epoch=160", None),
        ("--class_weighting=inverse --reweight_epoch=0", 0),
        # 160 of 200 epochs is 24 of 30.
        (
            "--class_weighting=inverse --reweight_epoch=160 --epochs=30 "
            "--schedule_epochs=200",
            24,
        ),
    ],
)
def test_where_class_weights_begin(tmp_path, flags, expected):
    found = made_report.of_flags(tmp_path / "run", flags)
    assert found.reweighted_from() == expected


@pytest.mark.parametrize(
    ("name", "content"),
    [
        *itertools.product(RECORDS, DAMAGED),
        *((name, "epoch,loss\n1,half of a numb\n") for name in TABLES),
    ],
)
def test_a_damaged_file_is_named(folder, name, content):
    (folder.path / name).write_text(content)
    with pytest.raises(errors.InputError, match=name):
        run_folder.read(folder.path)


def test_names_take_as_much_of_the_path_as_they_need(tmp_path):
    paths = [tmp_path / "a" / "run", tmp_path / "b" / "run"]
    assert run_folder.names(paths) == ["a/run", "b/run"]
    assert run_folder.names([tmp_path / "x", tmp_path / "y"]) == ["x", "y"]
    with pytest.raises(errors.InputError, match="twice"):
        run_folder.names([paths[0], paths[0]])
