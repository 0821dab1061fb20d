"""Pages of several runs, of half a run, of searches and exports."""

import dataclasses

import made_report
import pytest
from read_page import build

from elf_keras.reports import run_view

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def view(tmp_path_factory):
    return made_report.view(tmp_path_factory.mktemp("made") / "run")


@pytest.fixture
def undrawn(monkeypatch):
    made_report.undrawn(monkeypatch)


def test_several_runs_can_be_picked(view, tmp_path, undrawn):
    other = made_report.view(tmp_path / "other", exits=1, seed=1)
    text, _, _ = build(view, other)
    assert text.count('data-show="') == 2
    assert "no image can leave early" in text
    assert text.count('class="slider"') == 1


def test_without_answers_it_draws_what_the_folder_holds(view, undrawn):
    lost = {"scored": None, "examples": None, "missing": ("No images.",)}
    text, _, drawn = build(dataclasses.replace(view, **lost))
    names = {chart.name.rpartition("/")[2] for chart in drawn}
    assert {"accuracy_and_cost", "loss_by_exit", "exit_shares"} <= names
    assert "No images." in text
    assert "Recorded by the training on test" in text
    assert "What each exit costs" in text


def test_a_run_without_validation_and_test(view, undrawn):
    metrics = {"train": view.folder.metrics["train"]}
    alone = {"metrics": metrics, "per_class": [], "curve": None, "policy": None}
    folder = dataclasses.replace(view.folder, **alone)
    lost = {"folder": folder, "scored": None, "examples": None}
    bare = dataclasses.replace(view, **lost, missing=folder.missing)
    text, _, drawn = build(bare)
    assert "neither validation nor test images" in text
    # Nobody can sweep it.
    assert "elf-keras sweep" not in text
    names = {chart.name.rpartition("/")[2] for chart in drawn}
    assert {"loss_by_exit", "training_loss", "distribution"} <= names


def test_a_run_of_flags_alone(tmp_path):
    words = "--dataset=folder --epochs=9"
    folder = made_report.of_flags(tmp_path / "run", words)
    view = run_view.RunView(folder, missing=folder.missing)
    text, _, drawn = build(view)
    assert drawn == []
    assert "0 of 9 epochs" in text


def test_a_search_and_an_export(view, undrawn):
    part = {
        "shared": {"macs": [50, 100], "accuracy": [0.1, 0.7]},
        "static": {"accuracy": 0.7},
        "papers_grid": {"0.5": {"macs": 70, "accuracy": 0.2}},
    }
    curve = {"backbone_macs": 100, "splits": {"test": part}}
    search = {"chosen": "0.9", "curves": {"0.9": curve, "0.8": curve}}
    variant = {
        "stages": [{"bytes": 1500}, {"bytes": 500}],
        "policies": {"accurate": {"accuracy": 0.5, "saving": 0.25}},
        "static": {"accuracy": 0.5},
    }
    reported = {"split": "test", "images": 3}
    exports = {
        "phone": {"variants": {"int8": variant}, "reported_on": reported}
    }
    text, read, drawn = build(view, searches={"mine": search}, exports=exports)
    assert "search_mine" in {chart.name for chart in drawn}
    assert "t = 0.9" in text
    words = [word.strip() for word in read.words if word.strip()]
    rows = words[words.index("phone") :][:16]
    half = "50.0\xa0%"
    assert rows[1:8] == ["int8", "static", half, "test", "0.0\xa0%", "–", "–"]
    assert rows[9:] == [
        *("int8", "accurate", half, "test", "25.0\xa0%", "–", "2"),
    ]
