"""Runs written before the packages are read, scored and finished.

Their export is that of tests/deploy/test_bundle.py.
"""

import json

import command_runs
import old_run
import pytest


@pytest.fixture
def old(tmp_path):
    return old_run.extract(tmp_path)


def scores(folder):
    """Accuracy of every split, mode and shot group, as `evaluate` left it."""
    record = json.loads((folder / "evaluation.json").read_text())["splits"]
    return {
        (split, mode, name): record[split]["model"][mode][name]
        for split in ("validation", "test")
        for mode in ("static", "mean_of_exits", "dynamic")
        for name in ("accuracy", "top1", "many", "medium", "few")
    }


def test_a_finished_run_scores_as_it_did(old):
    expected = scores(old / "finished")
    (old / "finished" / "evaluation.json").unlink()
    command_runs.done("evaluate", f"--workdir={old / 'finished'}")
    # Another CPU may turn an answer or two of 359 test images.
    assert scores(old / "finished") == pytest.approx(expected, abs=0.02)


@pytest.mark.slow
def test_an_unfinished_run_goes_on(old):
    folder = old / "unfinished"
    words = (folder / "flags.flags").read_text().split()
    words = (*words, f"--workdir={folder}", "--resume")
    ended = command_runs.done("train", *words)
    assert "continuing after epoch 2" in ended.err
    losses, expected = (
        [float(row["loss"]) for row in command_runs.rows(at / "history.csv")]
        for at in (folder, old / "finished")
    )
    assert losses[:2] == expected[:2]
    assert losses == pytest.approx(expected, rel=1e-2)


@pytest.mark.slow
def test_a_finished_run_is_swept(old):
    command_runs.done("sweep", f"--workdir={old / 'finished'}")
