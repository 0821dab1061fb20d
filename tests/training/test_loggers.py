"""Loggers of a run: what they get, how they are closed, what is refused."""

import contextlib
import sys
from unittest import mock

import numpy as np
import pytest

from elf_keras import runs
from elf_keras.errors import InputError
from elf_keras.runs import preemption
from elf_keras.training import log_clients, loggers

CONFIG = {"exit_loss": "ce", "epochs": 3, "decay_epochs": ["2"]}
SCORES = {"test": {"best": {"static": {"few": 0.25}, "curve": {"macs": [1]}}}}


def test_scores_are_told_by_their_path():
    record = {
        "test": {
            "last": {
                "epoch": 3,
                "static": {"many": 0.5, "few": None},
                "dynamic": {"exit_rule": "margin", "exit_shares": [0.75, 0.25]},
                "exits": [{"exit": 1, "accuracy": np.float32(0.5)}],
                "curve": {"accuracy": [0.1, 0.2]},
            }
        }
    }
    assert dict(loggers.flat(runs.plain(record))) == {
        "test/last/epoch": 3,
        "test/last/static/many": 0.5,
        "test/last/dynamic/exit_shares/1": 0.75,
        "test/last/dynamic/exit_shares/2": 0.25,
        "test/last/exits/1/exit": 1,
        "test/last/exits/1/accuracy": 0.5,
    }


def test_a_logger_that_is_not_installed_names_the_extra(monkeypatch):
    loggers.check([])
    loggers.check(["tensorboard"])
    monkeypatch.setitem(sys.modules, "wandb", None)
    with pytest.raises(InputError, match=r"wandb is not .* \"elf_keras\[log"):
        loggers.check(["tensorboard", "wandb"])
    with pytest.raises(InputError, match="none or more of tensorboard, wandb"):
        loggers.check(["wandb,mlflow"])


def test_a_remedy_that_the_client_names_itself_is_not_repeated(monkeypatch):
    error = type("UsageError", (Exception,), {"__module__": "wandb.errors"})
    said = "No API key configured. Use `wandb login` to log in."
    monkeypatch.setitem(
        loggers.READY, "wandb", mock.Mock(side_effect=error(said))
    )
    with pytest.raises(InputError) as refused:
        loggers.get_ready(["wandb"])
    assert str(refused.value) == (
        f"--logger=wandb: {said[:-1]}; or set WANDB_MODE=offline"
    )


def client(closed, **options):
    return log_clients.Client(mock.Mock(), close=closed.append, **options)


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (None, "FINISHED"),
        (KeyboardInterrupt, "KILLED"),
        (preemption.Preempted, "KILLED"),
        (InputError, "FAILED"),
    ],
)
def test_a_logger_is_closed_as_the_run_ended(
    tmp_path, monkeypatch, error, status
):
    closed = []
    made = mock.Mock(return_value=client(closed, known_as="abc"))
    monkeypatch.setitem(log_clients.CLIENTS, "wandb", made)
    with (
        contextlib.suppress(*([error] if error else [])),
        loggers.opened(["wandb"], tmp_path, CONFIG, print),
    ):
        if error:
            raise error
    assert closed == [status]
    assert runs.read_json(tmp_path / loggers.RECORD) == {"wandb": "abc"}
    with loggers.opened(["wandb"], tmp_path, CONFIG, print):
        made.assert_called_with(tmp_path, "abc", CONFIG)


def test_a_logger_that_fails_at_the_end_is_told_and_costs_nothing(
    tmp_path, monkeypatch
):
    broken = mock.Mock(side_effect=RuntimeError("no network\ntraceback"))
    made = log_clients.Client(mock.Mock(), take_scores=broken, close=broken)
    monkeypatch.setitem(log_clients.CLIENTS, "mlflow", lambda *arguments: made)
    told = []
    with loggers.opened(["mlflow"], tmp_path, CONFIG, told.append) as clients:
        loggers.give_scores(clients, SCORES, told.append)
    assert broken.call_args_list == [
        mock.call({"test/best/static/few": 0.25}),
        mock.call("FINISHED"),
    ]
    assert told == ["warning: a logger lacks the end: no network"] * 2
