"""Weights & Biases and MLflow, offline: what they were told of a run.

The run stops after two epochs and goes on: its loggers know it again.
"""

import dataclasses

import log_readers
import numpy as np
import pytest
import tiny

from elf_keras import runs
from elf_keras.training import loggers, loop

CONFIG = {"exit_loss": "ce", "epochs": 3, "decay_epochs": ["2"]}
SCORES = {"test": {"best": {"dynamic": {"few": 0.25, "many": 0.75}}}}
GROUPS = {
    "many": np.array([True, False, False]),
    "few": np.array([False, True, True]),
}
LOGS = [
    *("loss", "learning_rate", "exit_1_share", "exit_1_accuracy"),
    *("exit_2_accuracy", "validation_accuracy", "validation_exit_1_accuracy"),
    *("validation_many_accuracy", "validation_few_accuracy"),
]


def train(folder, epochs, name):
    """Train to an epoch, and return the history so far."""
    training = dataclasses.replace(
        tiny.training(tiny.compiled(), tiny.schedule(epochs)),
        scorer=tiny.scorer(shot_groups=GROUPS),
    )
    with loggers.opened([name], folder, CONFIG, print) as clients:
        outcome = loop.fit(training, folder, clients=clients)
        loggers.give_scores(clients, SCORES, print)
    return outcome.history


def trained(folder, name):
    train(folder, 2, name)
    known = runs.read_json(folder / loggers.RECORD)
    history = train(folder, 3, name)
    assert runs.read_json(folder / loggers.RECORD) == known
    return history, known[name]


@pytest.mark.slow
def test_wandb(tmp_path, monkeypatch):
    pytest.importorskip("wandb")
    log_readers.stay_offline(monkeypatch, tmp_path)
    history, name = trained(tmp_path / "run", "wandb")
    epochs, config, summary = log_readers.told_to_wandb(tmp_path / "run")
    assert [row["epoch/epoch"] for row in epochs] == [0, 1, 2]
    for key in LOGS:
        found = [row[f"epoch/{key}"] for row in epochs]
        assert found == pytest.approx([row[key] for row in history]), key
    assert config == CONFIG
    assert summary["test/best/dynamic/few"] == 0.25
    assert len([*tmp_path.glob(f"run/wandb/*-{name}")]) == 2


@pytest.mark.slow
def test_mlflow(tmp_path, monkeypatch):
    mlflow = pytest.importorskip("mlflow")
    log_readers.stay_offline(monkeypatch, tmp_path)
    history, name = trained(tmp_path / "run", "mlflow")
    client = mlflow.MlflowClient()
    run = client.get_run(name)
    for key in LOGS:
        found = client.get_metric_history(name, key)
        assert [metric.step for metric in found] == [0, 1, 2]
        values = [metric.value for metric in found]
        assert values == pytest.approx([row[key] for row in history]), key
    assert run.data.metrics["test/best/dynamic/many"] == 0.75
    assert run.data.params["exit_loss"] == "ce"
    assert run.data.params["optimizer_name"]
    assert (run.info.run_name, run.info.status) == ("run", "FINISHED")
    experiment = client.get_experiment(run.info.experiment_id)
    assert experiment.name == "elf_keras"
