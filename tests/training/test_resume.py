"""Kill -9 and --resume ends as the uninterrupted run does, bit for bit."""

import signal
import time

import command_runs
import pytest
import run_states

from elf_keras import runs

pytestmark = pytest.mark.slow

EPOCHS = 6
RECIPE = command_runs.RESUMED
TRAIN = ("-m", "elf_keras.train")
PATIENCE = 240


# Of a step in the second epoch, where checkpoints come by the clock.
MIDDLE = "epoch_0001_step_00000[1-6].json"


def killed(start, folder, checkpoint):
    """Start a training, and kill it once such a checkpoint is whole."""
    process = command_runs.child(*start, f"--workdir={folder}")
    until = time.monotonic() + PATIENCE
    try:
        while not list((folder / "checkpoints").glob(checkpoint)):
            assert process.poll() is None, process.communicate()[1][-2000:]
            assert time.monotonic() < until
            time.sleep(0.005)
    finally:
        process.send_signal(signal.SIGKILL)
        process.communicate()
    assert process.returncode == -signal.SIGKILL
    assert not (folder / runs.METRICS).exists()


def train(start, *words):
    """Train to the end, in this process unless devices must be set first."""
    if start is TRAIN:
        command_runs.done("train", *words)
    else:
        command_runs.succeeded(command_runs.child(*start, *words))


def assert_same(folder, expected):
    run_states.assert_same_run(folder, expected)
    assert len(run_states.history(folder)) == EPOCHS
    for name in (runs.METRICS, "per_class.csv"):
        assert (folder / name).read_text() == (expected / name).read_text()


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    folder = tmp_path_factory.mktemp("whole") / "run"
    command_runs.done("train", f"--workdir={folder}", *RECIPE)
    return folder


@pytest.mark.slow
def test_killed_and_resumed_is_uninterrupted(whole, tmp_path):
    folder = tmp_path / "run"
    killed((*TRAIN, *RECIPE), folder, "epoch_0002_step_000000.json")
    done = sorted(folder.glob("checkpoints/epoch_*.json"))
    assert len(done) < EPOCHS
    ended = command_runs.done(
        "train", f"--workdir={folder}", *RECIPE, "--resume"
    )
    assert "continuing after epoch" in ended.err
    assert_same(folder, whole)
    record = runs.read_json(folder / runs.RECORD)
    assert 2 <= record["resumed_after_epoch"] < EPOCHS
    assert record["problems"] == []


@pytest.mark.slow
def test_a_broken_checkpoint_costs_an_epoch_not_the_run(whole, tmp_path):
    """As after a kill at epoch 4 whose last checkpoint is broken as well."""
    folder = tmp_path / "run"
    stop = ("--workdir=" + str(folder), *RECIPE)
    ended = command_runs.done("train", *stop)
    for name in (runs.METRICS, runs.RECORD, "history.csv", runs.MODEL):
        (folder / name).unlink()
    broken = folder / "checkpoints" / "epoch_0006_step_000000.weights.h5"
    with broken.open("r+b") as file:
        file.truncate(broken.stat().st_size // 2)
    ended = command_runs.done("train", *stop, "--resume")
    said = [line for line in ended.err.splitlines() if "damaged" in line]
    assert len(said) == 1
    assert "epoch_0006" in said[0]
    assert "continuing after epoch 5" in ended.err
    assert_same(folder, whole)
    record = runs.read_json(folder / runs.RECORD)
    assert record["problems"] == said


def test_a_kill_before_the_first_checkpoint_starts_again(whole, tmp_path):
    folder = tmp_path / "run"
    folder.mkdir()
    flags = (whole / runs.FLAGS).read_text()
    text = flags.replace(f"--workdir={whole}", f"--workdir={folder}")
    (folder / runs.FLAGS).write_text(text)
    command_runs.done("train", f"--workdir={folder}", *RECIPE, "--resume")
    assert_same(folder, whole)


def test_its_own_flags_repeat_a_run(whole, tmp_path):
    folder = tmp_path / "run"
    words = (f"--flagfile={whole / runs.FLAGS}", f"--workdir={folder}")
    command_runs.done("train", *words)
    assert_same(folder, whole)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("start", "flags"),
    [
        (TRAIN, ("--mixed_precision=bfloat16", "--leaving=removed")),
        (TRAIN, ("--mixed_precision=float16",)),
        (("-c", command_runs.TRAIN_ON_TWO), ("--strategy=mirrored",)),
        (
            ("-c", command_runs.TRAIN_ON_TWO),
            (
                *("--strategy=mirrored", "--average_weights=0.9"),
                "--mixed_precision=bfloat16",
            ),
        ),
        (TRAIN, ("--method=single", "--mixing=manifold_mixup")),
        (TRAIN, ("--method=bbn",)),
    ],
    ids=[
        *("bfloat16", "float16", "mirrored", "average"),
        *("manifold_mixup", "bbn"),
    ],
)
def test_killed_and_resumed_in_other_settings(start, flags, tmp_path):
    expected, folder = tmp_path / "whole", tmp_path / "run"
    words = (*RECIPE, *flags)
    train(start, *words, f"--workdir={expected}")
    often = "--checkpoint_minutes=0.00001"
    killed((*start, *words, often), folder, MIDDLE)
    train(start, *words, f"--workdir={folder}", "--resume")
    assert runs.read_json(folder / runs.RECORD)["resumed_after_steps"] > 0
    assert_same(folder, expected)
