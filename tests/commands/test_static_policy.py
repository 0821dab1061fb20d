"""`--policy=static`, wherever a policy is named: the bare backbone answers."""

import json

import command_runs
import made_run
import numpy as np
import pytest

from elf_keras import models, runs
from elf_keras.data import images
from elf_keras.models import multiply_adds


@pytest.fixture
def folder(tmp_path, monkeypatch):
    made_run.give(monkeypatch)
    return made_run.folder(tmp_path / "run")


def by_backbone(folder, path, temperature):
    """The largest probability, by the model itself."""
    pixels = images.read(path, 2, channels=1)[None].astype("float32")
    scores = np.asarray(models.load(folder / runs.MODEL)(pixels)["exit_2"])[0]
    powers = np.exp(scores / temperature)
    return pytest.approx(powers.max() / powers.sum(), abs=1e-4)


def test_predict_runs_no_head_and_calibrates_by_the_last_exit(folder, tmp_path):
    told = {"dynamic": {}, "temperatures": [9.0, 4.0]}
    metrics = {"validation": {"best": told}}
    (folder / runs.METRICS).write_text(json.dumps(metrics))
    command_runs.draw(tmp_path / "a.png")
    # Without a sweep, and whatever the run's own rule is.
    words = (f"--workdir={folder}", "--policy=static", "--exit_rule=margin")
    row = json.loads(
        command_runs.done("predict", *words, tmp_path / "a.png").out
    )
    model = models.load(folder / runs.MODEL)
    assert row["probability"] == by_backbone(folder, tmp_path / "a.png", 4)
    assert (row["exit"], row["share_of_backbone"]) == (2, 1.0)
    assert row["macs"] == multiply_adds.exit_costs(model).backbone
    assert "confidence" in row


def test_predict_of_sums_calibrates_by_the_own_logits(folder, tmp_path):
    """A run that answers by sums has temperatures of sums, and this one."""
    sums = ("--answer=running", "--answer_decay=0.5")
    command_runs.done("sweep", f"--workdir={folder}", *sums)
    path = folder / "policy.json"
    wanted = runs.read_json(path)["static_temperature"]
    command_runs.draw(tmp_path / "a.png")
    words = (f"--workdir={folder}", "--policy=static", *sums)
    ended = command_runs.done("predict", *words, tmp_path / "a.png")
    assert "not calibrated" not in ended.err
    expected = by_backbone(folder, tmp_path / "a.png", wanted)
    assert json.loads(ended.out)["probability"] == expected


def test_evaluate_costs_what_the_backbone_does(folder):
    words = ("--policy=static", "--exit_rule=margin", "--answer=running")
    found, out = command_runs.evaluated(folder, *words)
    for part in found.values():
        dynamic, static = part["dynamic"], part["static"]
        assert part["policy"] == "static"
        for key in ("accuracy", "top1", "macs"):
            assert dynamic[key] == static[key]
        assert dynamic["saving_with_heads"] == 0
        assert dynamic["exit_shares"] == pytest.approx([0, 1])
    assert "0.0 % (0.0 %)" in out


@pytest.mark.slow
def test_an_export_makes_it_the_default_of_all_its_artefacts(folder, tmp_path):
    output = tmp_path / "name"
    words = (f"--workdir={folder}", f"--output={output}", "--policy=static")
    command_runs.done("export", *words, "--formats=saved_model,float32")
    record = runs.read_json(output / "1" / "manifest.json")
    assert record["default_policy"] == "static"
    assert "static" not in record["variants"]["float32"]["policies"]
    command_runs.draw(tmp_path / "a.png")
    for variant in ("saved_model", "float32"):
        given = (f"--export={output}", f"--variant={variant}")
        ended = command_runs.done("predict", *given, tmp_path / "a.png")
        row = json.loads(ended.out)
        assert (row["exit"], row["share_of_backbone"]) == (2, 1.0)
        more = (*given, "--policy=static")
        found, _ = command_runs.evaluated(folder, *more)
        part = found["test"]
        assert part["dynamic"]["accuracy"] == part["static"]["accuracy"]
        assert part["dynamic"]["saving_with_heads"] == 0


def test_a_chain_alone_has_no_file_to_run_it(folder, tmp_path):
    words = (f"--workdir={folder}", f"--output={tmp_path / 'name'}")
    says = ["--policy=static", "--chain_only"]
    more = ("--policy=static", "--chain_only")
    command_runs.refused("export", *words, *more, says=says)
    # The default of a policy file is the command line's.
    command_runs.done("sweep", f"--workdir={folder}")
    path = folder / "policy.json"
    record = runs.read_json(path) | {"default_policy": "static"}
    runs.write_json(path, record)
    command_runs.refused("export", *words, "--chain_only", says=says)
    assert not (tmp_path / "name").exists()


@pytest.mark.slow
def test_a_chain_alone_is_scored_and_advised_as_what_it_is(folder, tmp_path):
    """Without --variant it is the one that is there."""
    export = tmp_path / "name"
    words = (f"--workdir={folder}", "--formats=float16", "--chain_only")
    command_runs.done("export", *words, f"--output={export}")
    given = (f"--workdir={folder}", f"--export={export}")
    says = ["--policy=static", "exported by --chain_only"]
    command_runs.refused("evaluate", *given, "--policy=static", says=says)
    out = command_runs.done("evaluate", *given, "--policy=all_exits").out
    assert "an export without --chain_only has static" in out
    assert "use static" not in out


def test_a_policy_that_an_export_has_not(tmp_path):
    """What is offered in its place can be asked."""
    exports = command_runs.CHECKOUT / "savedmodels"
    for name, alone in (("digits_lt", True), ("groceries", False)):
        told = command_runs.refused(
            "predict",
            *(f"--export={exports / name}", "--policy=fast", "a.png"),
            says=[f"of --export={exports / name}", "choose one of all_exits"],
        )
        assert ("static" in told.err) == alone
