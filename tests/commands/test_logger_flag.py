"""`--logger`: what the command tells a logger, and what it refuses."""

import sys
from importlib import machinery
from unittest import mock

import command_runs
import log_readers
import pytest

from elf_keras import runs
from elf_keras.training import loggers


def test_what_cannot_log_ends_before_any_work(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "mlflow", None)
    for words, said in {
        "mlflow": 'mlflow is not installed; pip install "elf_keras[loggers]"',
        "tensorbord": "expected none or more of tensorboard, wandb, mlflow",
    }.items():
        folder = tmp_path / "run"
        ended = command_runs.run(
            "train", f"--logger={words}", f"--workdir={folder}"
        )
        assert ended.status == 2
        (line,) = ended.err.splitlines()
        assert line.startswith("error: --logger=") and said in line
        assert not folder.exists()


def test_a_missing_key_is_told_before_data_are_read(tmp_path, monkeypatch):
    class UsageError(Exception):
        """As the client's, of its own module."""

    UsageError.__module__ = "wandb.errors"
    client = mock.Mock(__spec__=machinery.ModuleSpec("wandb", None))
    client.login.side_effect = UsageError("no API key given.\nMore.")
    monkeypatch.setitem(sys.modules, "wandb", client)
    monkeypatch.delenv("WANDB_MODE", raising=False)
    folder = tmp_path / "run"
    command_runs.refused(
        "train",
        *("--logger=wandb", f"--workdir={folder}"),
        *("--dataset=folder", f"--data_dir={tmp_path / 'missing'}"),
        says=["--logger=wandb: no API key given; run `wandb login`, or set"],
    )
    assert not folder.exists()


@pytest.mark.slow
def test_a_run_is_told_to_all_of_them(tmp_path, monkeypatch):
    pytest.importorskip("wandb")
    mlflow = pytest.importorskip("mlflow")
    log_readers.stay_offline(monkeypatch, tmp_path)
    folder = tmp_path / "tiny"
    words = [*command_runs.TINY, "--epochs=2", f"--workdir={folder}"]
    command_runs.done("train", *words, "--logger=tensorboard,wandb,mlflow")
    assert [*folder.glob("tensorboard/train/events*")]
    known = runs.read_json(folder / loggers.RECORD)
    assert known.keys() == {"wandb", "mlflow"}
    epochs, config, summary = log_readers.told_to_wandb(folder)
    run = mlflow.MlflowClient().get_run(known["mlflow"])
    last = command_runs.rows(folder / "history.csv")[-1]
    for key in ("exit_1_share", "validation_few_accuracy"):
        few = pytest.approx(float(last[key]))
        assert epochs[-1][f"epoch/{key}"] == few
        assert run.data.metrics[key] == few
    scores = runs.read_json(folder / runs.METRICS)["test"]["best"]
    for mode in ("static", "dynamic"):
        for group in ("many", "medium", "few"):
            path = f"test/best/{mode}/{group}"
            few = pytest.approx(scores[mode][group])
            assert (summary[path], run.data.metrics[path]) == (few, few)
    assert config["backbone"] == run.data.params["backbone"] == "resnet8"
    assert run.info.run_name == "tiny"
