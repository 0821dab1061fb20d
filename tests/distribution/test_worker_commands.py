"""`train` as two processes: one folder, one record; a worker dies; SIGTERM."""

import json
import os
import re
import signal
import time

import command_runs
import pytest
import run_states
import worker_processes

from elf_keras import runs
from elf_keras.training import checkpoints

pytestmark = pytest.mark.slow
# Exits first: what comes before the first step is the same on every worker.
FIRST = ("--exits_first=5", "--most_minutes=60")
TRAIN = ("-m", "elf_keras.train", *command_runs.RESUMED, *FIRST)
PATIENCE = 240


def train(folder, *more):
    return worker_processes.start(*TRAIN, f"--workdir={folder}", *more)


def all_well(processes):
    for status, _, err in worker_processes.ended(processes):
        assert status == 0, err[-2000:]


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    folder = tmp_path_factory.mktemp("whole") / "run"
    told = worker_processes.ended(train(folder))
    (status, out, err), (other, others_out, others_err) = told
    assert (status, other) == (0, 0), err[-1000:] + others_err[-1000:]
    assert out.startswith("accuracy is the mean")
    assert f"written to {folder}" in err
    # Only the chief tells.
    assert others_out == ""
    assert "epoch 1" not in others_err
    return folder


def test_one_run_and_its_record(whole):
    files = "flags.flags data.csv history.csv metrics.json model.keras "
    files += "per_class.csv"
    names = {*files.split(), "checkpoints", "run.json", "tensorboard"}
    assert {path.name for path in whole.iterdir()} == names
    events = list((whole / "tensorboard").rglob("events*"))
    assert len({path.parent for path in events}) == len(events)
    command_runs.done("evaluate", f"--workdir={whole}")
    written = runs.read_json(whole / runs.METRICS)["test"]["best"]
    found = runs.read_json(whole / "evaluation.json")["splits"]["test"]
    accuracy = written["static"]["accuracy"]
    assert found["model"]["static"]["accuracy"] == pytest.approx(accuracy)


def test_two_workers_learn_what_one_process_does(whole, tmp_path):
    words = (*TRAIN, f"--workdir={tmp_path / 'one'}", "--strategy=mirrored")
    process = command_runs.child(*words, env=worker_processes.environment())
    command_runs.succeeded(process)
    one, two = map(run_states.history, (tmp_path / "one", whole))
    # Float32, and float32 grows apart: the first epoch is close enough.
    assert float(two[0]["loss"]) == pytest.approx(float(one[0]["loss"]), 1e-3)


@pytest.mark.parametrize("victim", [0, 1])
def test_a_worker_dies_and_all_go_on(whole, tmp_path, victim):
    folder = tmp_path / "run"
    processes = train(folder)
    wait_for(folder, "epoch_0002", processes)
    processes[victim].send_signal(signal.SIGKILL)
    (status, _, err) = worker_processes.ended([processes[1 - victim]])[0]
    processes[victim].wait()
    assert status == 75, err[-2000:]
    assert "another worker is gone" in err
    assert "Traceback" not in err
    assert not (folder / runs.METRICS).exists()
    # Whoever died, the others' checkpoint is the same.
    if victim == 0:
        all_well(train(folder, "--resume"))
        run_states.assert_same_run(folder, whole)


def test_sigterm_to_one_stops_all_at_one_step_and_they_go_on(whole, tmp_path):
    """None leaves before the one that writes has saved."""
    folder = tmp_path / "run"
    processes = train(folder, "--checkpoint_minutes=1e-6")
    # Any step but 0, as the last two are kept.
    wait_for(folder, "epoch_0001_step_*[1-9]", processes)
    processes[1].send_signal(signal.SIGTERM)
    told = worker_processes.ended(processes)
    for status, _, err in told:
        assert status == 75, err[-2000:]
        assert "Traceback" not in err
        assert "stopped by SIGTERM" in err
        assert "another worker is gone" not in err
    (*_, newest) = sorted((folder / "checkpoints").glob("*.json"))
    place = tuple(map(int, re.findall(r"\d+", newest.stem)))
    assert place >= (1, 1)
    assert f"saved after {checkpoints.shown(place)}" in told[0][2]
    all_well(train(folder, "--resume"))
    run_states.assert_same_run(folder, whole)


def train_unlike(folder, *flags):
    """Two workers, the second with flags of its own."""
    words = (*TRAIN, f"--workdir={folder}")
    environments = worker_processes.environments(2)
    for own, environment in zip([(), flags], environments, strict=True):
        yield command_runs.child(*words, *own, env=environment)


def test_workers_must_agree(tmp_path):
    processes = [*train_unlike(tmp_path / "run", "--weight_decay=0.1")]
    for status, _, err in worker_processes.ended(processes):
        assert status == 2, err[-2000:]
        assert "worker 2 of 2 has other flags" in err
        assert "Traceback" not in err


def test_a_worker_that_cannot_begin_is_told_and_no_other_waits(tmp_path):
    flags = ("--dataset=folder", f"--data_dir={tmp_path / 'missing'}")
    processes = [*train_unlike(tmp_path / "run", *flags)]
    (status, _, err), (other, _, others_err) = worker_processes.ended(processes)
    assert other == 2, others_err[-2000:]
    assert "missing" in others_err
    assert status == 75, err[-2000:]
    assert "start all of them again with --resume" in err
    assert "Traceback" not in err + others_err


def wait_for(folder, checkpoint, processes):
    until = time.monotonic() + PATIENCE
    while not list((folder / "checkpoints").glob(f"{checkpoint}*.json")):
        for process in processes:
            assert process.poll() is None, process.communicate()[1][-2000:]
        assert time.monotonic() < until
        os.sched_yield()
        time.sleep(0.01)


def test_a_worker_does_not_wait_for_ever(tmp_path):
    script = (
        "from elf_keras import train\n"
        "from elf_keras.cli import command\n"
        "from elf_keras.distribution import workers\n"
        "workers.WAIT_MINUTES = 0.02\n"
        "command.run_command(train.main)"
    )
    first, _ = worker_processes.environments(2)
    words = ("-c", script, f"--workdir={tmp_path / 'run'}")
    ended = command_runs.ended(command_runs.child(*words, env=first))
    assert ended.status == 75
    (line,) = ended.errors
    assert "worker 1 of 2 waited" in line
    assert json.loads(first["TF_CONFIG"])["cluster"]["worker"][1] in line
