"""What comes before the first epoch: once in a run, and told in one line."""

import dataclasses
import shutil
import time
from types import SimpleNamespace

import command_runs
import keras
import numpy as np
import pytest
import tiny
from made_splits import made

from elf_keras import models, runs
from elf_keras.cli import (
    limit_from_flags,
    schedule_from_flags,
    start_from_flags,
)
from elf_keras.errors import InputError
from elf_keras.training import dry_run, exits_cost, exits_last, time_limit

pytestmark = pytest.mark.slow

FIRST = command_runs.EXITS_ALONE


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("first") / "run"
    return folder, command_runs.done("train", *FIRST, f"--workdir={folder}")


def test_the_first_line_is_the_probe_that_training_has_to_beat(run):
    folder, ended = run
    lines = [line for line in ended.err.splitlines() if "probe" in line]
    start = runs.read_json(folder / runs.RECORD)["start"]
    accuracy = start["exits_first"]["probe_accuracy"]
    assert len(lines) == 1
    assert f"{100 * accuracy:.1f} % on validation" in lines[0]
    before, _, _ = ended.err.partition(lines[0])
    assert "epoch 1/2" not in before
    assert (start["epochs"], start["exits_first"]["steps"]) == (2, 10)


def test_what_is_frozen_is_no_trainable_parameter(run):
    """The first layers, and the batch norms of the backbone."""
    model = runs.read_json(run[0] / runs.RECORD)["model"]
    assert 0 < model["trainable_parameters"] < model["parameters"]
    saved = models.load(run[0] / runs.MODEL)
    models.freeze(saved, until="stem_relu", norms=True)
    expected = sum(int(np.prod(w.shape)) for w in saved.trainable_weights)
    assert model["trainable_parameters"] == expected


def test_scores_have_the_start_beside_the_epochs(run):
    record = runs.read_json(run[0] / runs.METRICS)
    start = runs.read_json(run[0] / runs.RECORD)["start"]["exits_first"]
    found = record["validation"]["first"]
    assert found["epoch"] == 0
    # In half precision there, in float32 here.
    assert found["static"]["accuracy"] == pytest.approx(
        start["probe_accuracy"], abs=0.05
    )


def test_exits_last_come_after_the_epochs_and_are_recorded(run):
    folder, ended = run
    (line,) = [line for line in ended.err.splitlines() if "once more" in line]
    record = runs.read_json(folder / runs.RECORD)["exits_last"]
    assert f"{100 * record['before']:.1f} → {100 * record['after']:.1f}" in line
    before, _, after = ended.err.partition(line)
    assert "epoch 2/2" in before
    assert "epoch 2/2" not in after
    # The last of the epochs alone has such exits.
    found = runs.read_json(folder / runs.METRICS)["validation"]
    assert found["last"]["epoch"] == 2
    assert found["best"]["epoch"] in (0, 2)


OLD = ("steps", "exits_last", "validation_images")


@pytest.mark.parametrize("lacks", [(), OLD])
def test_a_run_that_goes_on_does_not_begin_again(run, tmp_path, lacks):
    """Killed after its last epoch, before its scores.

    Where the record lacks what time once did not limit, that is as in flags.
    """
    folder = shutil.copytree(run[0], tmp_path / "run")
    (folder / runs.METRICS).unlink()
    record = runs.read_json(folder / runs.RECORD)
    before = record["start"]
    kept = {key: before[key] for key in before if key not in lacks}
    runs.write_json(folder / runs.RECORD, record | {"start": kept})
    ended = command_runs.done(
        "train", *FIRST, "--resume", f"--workdir={folder}"
    )
    assert "probe" not in ended.err
    assert runs.read_json(folder / runs.RECORD)["start"] == before
    again = runs.read_json(folder / runs.METRICS)
    assert again == runs.read_json(run[0] / runs.METRICS)


SPEED = dry_run.Speed(
    pipeline=np.inf, step=2.0, batch=1, images=3, overlap=False
)


@pytest.mark.parametrize(
    ("words", "epochs", "steps"),
    [
        # Three images, one a step: 6 s an epoch.
        ("--epochs=4", 4, 3),
        ("--epochs=4 --least_steps=12", 4, 3),
        ("--epochs=4 --least_steps=13", 5, 3),
        ("--epochs=40 --most_minutes=0.5", 5, 3),
        # An epoch of four passes has twelve steps, and 18 s are nine.
        ("--epochs=2 --least_steps=40", 4, 12),
        ("--epochs=2 --least_steps=99 --most_minutes=0.3", 1, 9),
        ("--epochs=2 --most_minutes=0.5", 2, 3),
        # 4.8 s, and 9.
        ("--epochs=2 --most_minutes=0.08", 1, 2),
        ("--epochs=5 --most_minutes=0.15", 2, 2),
    ],
)
def test_epochs_by_steps_and_by_time(words, epochs, steps, capsys):
    data = data_of(made(), 3)
    words = ("--workdir=", "--batch_size=1", *words.split())
    with command_runs.fresh_flags(*words):
        limit = limit_from_flags.limit(tiny.model(), data, exits_cost.FREE)
        images = 3 * schedule_from_flags.passes(data)
        speed = dataclasses.replace(SPEED, images=images)
        found = limit_from_flags.length(limit, speed, 0.0, data)
    assert (found.epochs, found.steps) == (epochs, steps)


def test_a_single_exit_leaves_no_time_for_exits_last():
    one = tiny.model()
    one = keras.Model(one.inputs, {"exit_1": one.output["exit_1"]})
    words = ("--workdir=", "--exits_last=7", "--most_minutes=1")
    with command_runs.fresh_flags(*words):
        steps = [
            limit_from_flags.limit(model, made(), exits_cost.FREE).last.steps
            for model in (one, tiny.model())
        ]
    assert steps == [0, 7]


def test_what_does_not_fit_is_said(capsys):
    words = ("--workdir=", "--batch_size=1", "--epochs=2")
    with command_runs.fresh_flags(*words, "--most_minutes=0.08"):
        limit = limit_from_flags.limit(tiny.model(), made(), exits_cost.FREE)
        data = data_of(made(), 3)
        limit_from_flags.length(limit, SPEED, 0.0, data)
    assert capsys.readouterr().err == (
        "note: 2 epochs of 3 steps do not fit into --most_minutes=0.08 here, "
        "where an epoch takes 6 s: training has 1 epoch of 2 steps; more "
        "minutes give more\n"
    )


def test_an_epoch_cut_short_is_recorded_and_goes_on(tmp_path):
    """However short the time, there is a step; a run that goes on knows it."""
    words = (*FIRST, "--most_minutes=1e-6", "--batch_size=4")
    folder = tmp_path / "run"
    ended = command_runs.done("train", *words, f"--workdir={folder}")
    assert "training has 1 epoch of 1 step; more" in ended.err
    record = runs.read_json(folder / runs.RECORD)
    assert record["start"]["steps"] == 1
    assert record["epochs"] == 1
    before = runs.read_json(folder / runs.METRICS)
    (folder / runs.METRICS).unlink()
    command_runs.done("train", *words, "--resume", f"--workdir={folder}")
    assert runs.read_json(folder / runs.METRICS) == before


def test_a_limit_of_time_does_not_repeat():
    words = ("--workdir=", "--most_minutes=5", "--deterministic")
    with (
        command_runs.fresh_flags(*words),
        pytest.raises(InputError, match="--most_minutes=5 with --determ"),
    ):
        limit_from_flags.limit(tiny.model(), made(), exits_cost.FREE)


@pytest.mark.parametrize("flag", ["--exits_first=5", "--exits_last=5"])
def test_a_second_stage_has_exits_already(tmp_path, flag):
    words = ("--workdir=", flag, "--second_stage=crt")
    with (
        command_runs.fresh_flags(*words),
        pytest.raises(InputError, match=f"{flag} with --second_stage"),
    ):
        start_from_flags.begin(tiny.model(), made(), time.time())


def data_of(data, count):
    return dataclasses.replace(data, train=data.train.take(np.arange(count)))


@pytest.mark.parametrize(("before", "fits"), [(0, True), (3600, False)])
def test_the_limit_counts_from_when_the_command_began(before, fits):
    """Photos were read since, and compared, which may take minutes."""
    words = ("--workdir=", "--most_minutes=30", "--epochs=2", "--batch_size=3")
    data = made(side=tiny.SHAPE[0])
    with command_runs.fresh_flags(*words):
        start = start_from_flags.begin(tiny.model(), data, time.time() - before)
    found = start.length.epochs, start.length.steps
    assert (found == (1, 1)) == (not fits)


def test_the_chief_says_whether_exits_last_were_kept(monkeypatch):
    """Scores of a tie differ between workers; what they score next must not."""
    record = exits_last.Record(0.5, 0.5, kept=True, images=9, seconds=1.0)
    monkeypatch.setattr(exits_last, "train", lambda *_, **__: record)
    monkeypatch.setattr(start_from_flags, "FLAGS", SimpleNamespace(seed=0))
    monkeypatch.setattr(start_from_flags, "_objective", lambda *_: None)
    monkeypatch.setattr(start_from_flags, "_share", lambda model: None)
    monkeypatch.setattr(start_from_flags, "_agreed", lambda model, kept: [0])
    training = SimpleNamespace(
        scored=None, data=tiny.data(), schedule=None, scorer=None
    )
    alone = time_limit.Alone(steps=1, images=9)
    start = start_from_flags.Start(
        time_limit.Length(1, 1), alone, None, None, fresh=False
    )
    said = []
    found = start_from_flags.end(training, start, said.append)
    assert found["kept"] is False
    assert said[0].endswith("not kept")
