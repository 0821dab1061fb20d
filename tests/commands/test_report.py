"""The report command: what it writes, and what it refuses."""

import json
import shutil

import command_runs
import made_report
import made_run
import numpy as np
import pytest

from elf_keras import errors, report, runs
from elf_keras.cli import data_from_flags
from elf_keras.reports import beside, run_folder, run_view


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A run with a model, records, and data that commands find."""
    made_report.undrawn(monkeypatch)
    data = made_run.give(monkeypatch)
    found = made_report.scored(np.array([200, 50, 9]), images=9, exits=2)
    path = tmp_path / "run"
    made_report.folder(path, data.class_names, data.class_counts, found)
    made_run.spread().save(path / runs.MODEL)
    return path


def embedded(path):
    """The answers in a page, of each run."""
    texts = path.read_text().split('class="answers">')[1:]
    return [json.loads(text.partition("</script>")[0]) for text in texts]


@pytest.mark.slow
def test_a_page_of_a_run(folder):
    ended = command_runs.done("report", folder)
    # By default it is written into the run.
    (record,) = embedded(folder / "report" / "index.html")
    assert record["images"] == 27
    assert record["split"] == "test"
    assert record["names"] == ["a", "b", "c"]
    assert "running the model over" in ended.err
    assert " s  run read\n" in ended.err
    assert " s  figures drawn\n" in ended.err
    # The made records are not those of this model.
    assert "have changed since" in ended.err
    ended = command_runs.done("report", folder, "--norun_models")
    assert "running the model over" not in ended.err
    assert "--norun_models" in ended.err


@pytest.mark.slow
def test_each_run_has_its_own_flags(folder, tmp_path):
    other = shutil.copytree(folder, tmp_path / "other")
    with (other / runs.FLAGS).open("a") as file:
        file.write("--exit_rule=entropy\n--exit_threshold=0.4\n")
    command_runs.done("report", other, folder, f"--output={tmp_path}")
    first, second = embedded(tmp_path / "index.html")
    assert (first["rule"], first["start"]) == ("entropy", [0.4])
    assert second["rule"] == "confidence"
    assert second["start"] != [0.4]


def test_a_page_by_another_exit_rule(folder, tmp_path):
    words = ("--exit_rule=depth_confidence", "--answer=running")
    command_runs.done("report", folder, f"--output={tmp_path}", *words)
    (found,) = embedded(tmp_path / "index.html")
    assert found["rule"] == "depth_confidence"
    text = " ".join((tmp_path / "index.html").read_text().split())
    shown = "depth_confidence of running sums (decay 0.5)"
    assert f"leaves at the first exit whose {shown} is above s" in text


@pytest.mark.slow
def test_a_page_by_the_exit_rule_of_the_policies(folder, tmp_path):
    running = {"exit_rule": "margin", "answer": "running", "answer_decay": 0.5}
    view = run_view.RunView(run_folder.read(folder))
    made_report.swept(view, [0.37], **running)
    command_runs.done("report", folder, f"--output={tmp_path}")
    (found,) = embedded(tmp_path / "index.html")
    assert found["rule"] == "margin"
    assert found["policies"] == {"accurate": [0.37]}
    text = " ".join((tmp_path / "index.html").read_text().split())
    shown = "margin of running sums (decay 0.5)"
    assert f"leaves at the first exit whose {shown} is above s" in text
    assert f"images leave by {shown}, which a sweep chose" in text
    # Another one that the command line asks for wins.
    words = ("--exit_rule=entropy", f"--output={tmp_path}")
    ended = command_runs.done("report", folder, *words)
    assert "The policies of policy.json are not shown" in ended.err
    (found,) = embedded(tmp_path / "index.html")
    assert (found["rule"], found["policies"]) == ("entropy", {})


def test_exports_of_one_name_and_a_damaged_one(folder, tmp_path):
    committed = command_runs.CHECKOUT / "savedmodels" / "digits_lt"
    places = [tmp_path / side / "mine" for side in "ab"]
    for place in places:
        (place / "1").mkdir(parents=True)
        shutil.copy(committed / "1" / "manifest.json", place / "1")
    more = ("--norun_models", f"--output={tmp_path / 'out'}")
    command_runs.done("report", folder, places[0], *more)
    page = (tmp_path / "out" / "index.html").read_text()
    assert ("mine/1" in page, "a/mine/1" in page) == (True, False)
    words = (folder, *places, *more)
    command_runs.done("report", *words)
    page = (tmp_path / "out" / "index.html").read_text()
    assert "a/mine/1" in page
    assert "b/mine/1" in page
    damaged = {"variants": {"int8": {}}, "saved_model": None}
    runs.write_json(places[1] / "1" / "manifest.json", damaged)
    says = ["b/mine/1/manifest.json is damaged", "export the run again"]
    command_runs.refused("report", *words, says=says)


def test_without_its_images(folder, tmp_path, monkeypatch):
    def gone(*_):
        raise errors.InputError(f"no images in {tmp_path}")

    monkeypatch.setattr(data_from_flags, "splits", gone)
    ended = command_runs.done("report", folder, f"--output={tmp_path / 'out'}")
    assert f"no images in {tmp_path}" in ended.err
    text = (tmp_path / "out" / "index.html").read_text()
    assert "images were not found" in text
    assert str(tmp_path) not in text
    assert 'class="answers"' not in text


def test_images_of_something_else(folder, monkeypatch):
    made_run.give(monkeypatch, test=None)
    record = runs.read_json(folder / runs.RECORD)
    record["data"]["class_counts"] = [200, 50, 10]
    runs.write_json(folder / runs.RECORD, record)
    ended = command_runs.done("report", folder)
    assert "not those of the run" in ended.err


def test_a_stopped_run(folder):
    for name in (runs.RECORD, runs.METRICS, runs.MODEL, "history.csv"):
        (folder / name).unlink()
    ended = command_runs.done("report", folder)
    assert "0 of 4 epochs" in ended.err
    text = (folder / "report" / "index.html").read_text()
    assert "The long tail" in text


def test_other_classes_a_damaged_file_and_an_unknown_flag(folder, tmp_path):
    other = made_report.view(tmp_path / "other").folder.path
    says = ["other has other classes (6: class 0", "than run (3: a, b, c"]
    command_runs.refused("report", folder, other, says=says)
    (folder / runs.METRICS).write_text('{"test": {')
    says = [runs.METRICS, "cannot be read", "delete the file"]
    command_runs.refused("report", folder, says=says)
    # Flags of a version that had more of them.
    (folder / runs.METRICS).unlink()
    (folder / runs.FLAGS).write_text("--unheard_of=1\n")
    says = ["Unknown command line flag 'unheard_of'"]
    command_runs.refused("report", folder, says=says)
    assert not (folder / "report").exists()


def test_the_first_folder_may_be_the_workdir(folder, tmp_path):
    page, pages = tmp_path / "page", []
    for words in ([folder], [f"--workdir={folder}"]):
        command_runs.done("report", *words, f"--output={page}")
        pages.append((page / "index.html").read_text())
    assert pages[0] == pages[1]


def test_each_run_has_its_own_folder_whatever_workdir_names(folder, tmp_path):
    other = shutil.copytree(folder, tmp_path / "other")
    with command_runs.given_flags(f"--workdir={folder}", str(other)):
        found = report._flags(run_folder.read(other, "other", {}))
    assert found.workdir == str(other)


def test_no_folder_and_no_run(tmp_path):
    command_runs.refused("report", says=["no folder was named"])
    command_runs.refused("report", tmp_path / "x", says=["x: expected folders"])
    command_runs.refused("report", tmp_path, says=["holds no flags.flags"])
    version = tmp_path / "export" / "1"
    version.mkdir(parents=True)
    (version / "manifest.json").write_text("{}")
    for export in (version, version.parent):
        says = ["only exports were named"]
        command_runs.refused("report", export, says=says)


@pytest.mark.slow
def test_a_search_brings_its_picture_and_the_swept_run_it_chose(
    folder, tmp_path
):
    words = (f"--workdir={folder}", "--group_tolerance=1", "--budget=1.3")
    command_runs.done("sweep", *words)
    place = tmp_path / "search"
    record = {"chosen": "0.9", "runs": {"0.9": "../run"}}
    runs.write_json(place / beside.SEARCH, record)
    command_runs.done("report", place, f"--output={tmp_path / 'out'}")
    assert (tmp_path / "out" / "figures" / "search_search.png").exists()
    (found,) = embedded(tmp_path / "out" / "index.html")
    policies = runs.read_json(folder / "policy.json")["policies"]
    assert found["policies"] == {
        name: policy["thresholds"] for name, policy in policies.items()
    }
    runs.write_json(place / beside.SEARCH, {"chosen": "0.9"})
    command_runs.refused("report", place, says=["search.json is damaged"])
