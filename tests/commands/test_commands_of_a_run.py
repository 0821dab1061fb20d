"""Evaluate and predict where the run, its files or the words are wrong."""

import command_runs
import numpy as np
import pytest
import tiny

from elf_keras import evaluate, runs
from elf_keras.data import splits
from elf_keras.models import multiply_adds


@pytest.mark.parametrize("command", ["evaluate", "predict"])
@pytest.mark.parametrize("held", [None, "nothing", "flags only"])
def test_commands_of_a_run_that_is_none(tmp_path, command, held):
    folder = tmp_path / "run"
    if held:
        folder.mkdir()
    if held == "flags only":
        (folder / runs.FLAGS).write_text("--imbalance=20\n")
    before = command_runs.content(tmp_path)
    words = ["photo.png"] if command == "predict" else []
    command_runs.refused(
        command, f"--workdir={folder}", *words, says=[str(folder)]
    )
    assert command_runs.content(tmp_path) == before


def untrained(folder, *, record='{"data": {"class_names": ["a", "b", "c"]}}'):
    """The folder of a run whose model answers at random."""
    folder.mkdir()
    (folder / runs.FLAGS).write_text("--imbalance=20\n")
    (folder / runs.RECORD).write_text(record)
    tiny.model().save(folder / runs.MODEL)
    return folder


def test_predict_without_images(tmp_path):
    folder = untrained(tmp_path / "run")
    command_runs.refused(
        "predict", f"--workdir={folder}", says=["no image files"]
    )


def test_predict_with_a_damaged_record(tmp_path):
    folder = untrained(tmp_path / "run", record='{"data"')
    command_runs.refused(
        "predict", f"--workdir={folder}", "a.png", says=["run.json cannot be"]
    )


@pytest.mark.parametrize(
    "record", ["{}", "[1]", '{"data": 1}', '{"data": {"class_names": "a"}}']
)
def test_predict_with_a_record_of_something_else(tmp_path, record):
    folder = untrained(tmp_path / "run", record=record)
    command_runs.refused(
        "predict", f"--workdir={folder}", "a.png", says=["run.json", "restore"]
    )


def test_predict_with_a_damaged_model(tmp_path):
    folder = untrained(tmp_path / "run")
    content = (folder / runs.MODEL).read_bytes()
    (folder / runs.MODEL).write_bytes(content[: len(content) // 2])
    command_runs.refused(
        "predict", f"--workdir={folder}", "a.png", says=["model.keras: cannot"]
    )


def test_predict_with_a_threshold_out_of_range(tmp_path):
    folder = untrained(tmp_path / "run")
    command_runs.refused(
        "predict",
        f"--workdir={folder}",
        "--exit_threshold=1.5",
        "a.png",
        says=["'1.5'"],
    )


@pytest.fixture
def made_splits(monkeypatch):
    """Evaluate scores these instead of loading data."""

    def give(**parts):
        data = splits.Splits(
            **{"validation": None, "test": None, **parts},
            train=tiny.examples((9, 6, 3)),
            class_names=("a", "b", "c"),
            class_counts=np.array([9, 6, 3]),
        )
        monkeypatch.setattr(evaluate.data_from_flags, "splits", lambda: data)

    return give


def test_evaluate_of_a_split_that_is_not_there(tmp_path, made_splits):
    made_splits(test=tiny.examples((3, 3, 3)))
    folder = untrained(tmp_path / "run")
    before = command_runs.content(folder)
    says = ["validation", "--validation_fraction"]
    words = (f"--workdir={folder}", "--split=validation")
    command_runs.refused("evaluate", *words, says=says)
    # Asked for by name, so it may not be left out in silence either.
    command_runs.refused("evaluate", *words, "--split=test", says=says)
    assert command_runs.content(folder) == before


def test_evaluate_by_default_scores_the_splits_there_are(tmp_path, made_splits):
    made_splits(test=tiny.examples((3, 3, 3)))
    folder = untrained(tmp_path / "run")
    ended = command_runs.run("evaluate", f"--workdir={folder}")
    assert ended.status == 0, ended.err
    assert "test" in ended.out


def test_evaluate_shows_and_writes_the_training_split_too(
    tmp_path, made_splits
):
    made_splits()
    folder = untrained(tmp_path / "run")
    words = (f"--workdir={folder}", "--split=train")
    ended = command_runs.run("evaluate", *words)
    assert ended.status == 0, ended.err
    record = runs.read_json(folder / "evaluation.json")
    assert record["splits"]["train"]["model"]["images"] == 18
    assert [
        line for line in ended.out.splitlines() if line.startswith("train ")
    ]


def test_predict_with_a_file_that_is_no_image_goes_on(tmp_path):
    """The good ones are answered; the status tells that one was not."""
    folder = untrained(tmp_path / "run")
    command_runs.draw(tmp_path / "good.png")
    (tmp_path / "bad.png").write_text("no image")
    ended = command_runs.run(
        "predict",
        f"--workdir={folder}",
        tmp_path / "bad.png",
        tmp_path / "good.png",
        tmp_path / "none.png",
    )
    assert ended.status == 2
    bad, good, none = ended.out.splitlines()
    assert '"error"' in bad
    assert '"error"' in none
    assert '"class"' in good
    assert "Traceback" not in ended.err


def test_costs_of_the_model_that_predicts_here_are_known():
    assert multiply_adds.exit_costs(tiny.model()).backbone == 60
