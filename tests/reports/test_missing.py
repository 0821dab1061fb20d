"""What a report says of things that a run's folder lacks."""

import dataclasses
import pathlib

import made_report
import pytest

from elf_keras.reports import missing, run_folder


@pytest.mark.parametrize("there", [True, False], ids=["relative", "whole"])
def test_a_sweep_is_advised_for_the_path_that_was_given(
    tmp_path, monkeypatch, there
):
    (tmp_path / "runs").mkdir()
    made_report.view(tmp_path / "runs" / "d")
    monkeypatch.chdir(tmp_path)
    base = pathlib.Path() if there else tmp_path
    found = run_folder.read(base / "runs" / "d")
    (text,) = (t for t in found.missing if "elf-keras sweep" in t)
    # A page is shown to others: it names no home folder.
    place = "runs/d" if there else "…/d"
    assert f"Run elf-keras sweep --workdir={place} and make" in text


@pytest.mark.parametrize("lacks", ["test", "validation"])
def test_what_scores_are_of_is_said_where_a_split_lacks(tmp_path, lacks):
    folder = made_report.view(tmp_path / "run").folder
    told = [text for text in folder.missing if "split" in text]
    assert told == []
    metrics = {**folder.metrics}
    del metrics[lacks]
    folder = dataclasses.replace(folder, metrics=metrics)
    (text,) = (text for text in folder.missing if "split" in text)
    assert f"no {lacks} split" in text


@pytest.mark.parametrize(
    ("epochs", "policy", "told"),
    [
        ({"best": {}, "last": {}}, None, "its epoch was chosen, and are too"),
        ({"best": {}}, {"a": 1}, "its epoch and its thresholds were chosen"),
        ({"last": {}}, {"a": 1}, "on which its thresholds were chosen"),
        ({"last": {}}, None, "are of the validation images."),
    ],
)
def test_only_what_was_chosen_on_validation_is_said(
    tmp_path, epochs, policy, told
):
    folder = made_report.view(tmp_path / "run").folder
    known = {"metrics": {"validation": epochs}, "policy": policy}
    folder = dataclasses.replace(folder, **known)
    assert told in missing._without_test(folder)
