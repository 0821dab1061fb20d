"""--average_weights: what begins, what is refused, what a run keeps of it."""

import pathlib

import command_runs
import numpy as np
import pytest
import run_states
import tiny

from elf_keras import models, runs
from elf_keras.cli import average_from_flags
from elf_keras.errors import InputError


def test_none_is_the_default():
    with command_runs.fresh_flags("--backbone=resnet8"):
        model = tiny.compiled()
        assert average_from_flags.average(model) is None
        assert model.after_step is None


def test_it_begins_with_the_present_weights():
    with command_runs.fresh_flags("--average_weights=0.9"):
        model = tiny.compiled()
        found = average_from_flags.average(model)
    assert found.decay == 0.9
    assert model.after_step == found.update
    assert run_states.same(found.model.get_weights(), model.get_weights())


@pytest.mark.parametrize("stage", ["tau_norm", "logit_adjustment"])
def test_a_stage_that_takes_no_steps_has_none(stage):
    words = ("--average_weights=0.9", f"--second_stage={stage}")
    with (
        command_runs.fresh_flags(*words),
        pytest.raises(InputError, match=" with ".join(words)),
    ):
        average_from_flags.average(tiny.compiled())


@pytest.mark.parametrize("decay", ["-0.1", "1.1", "nan"])
def test_a_decay_beyond_its_bounds(decay, tmp_path):
    command_runs.refused(
        "train",
        f"--average_weights={decay}",
        f"--workdir={tmp_path / 'new'}",
        says=("average_weights", decay),
    )


@pytest.mark.slow
def test_the_model_of_a_run_is_the_average(tmp_path):
    folder = tmp_path / "run"
    command_runs.done(
        "train",
        *command_runs.TINY,
        *("--method=single", "--epochs=2", "--average_weights=0.9"),
        f"--workdir={folder}",
    )
    saved = models.load(folder / runs.MODEL)
    weights = [np.array(weight) for weight in saved.weights]
    last = runs.read_json(_record(folder))
    saved.load_weights(folder / "checkpoints" / last["weights"]["file"])
    assert not run_states.same(weights, saved.get_weights())
    saved.load_weights(folder / "checkpoints" / last["best"]["file"])
    assert run_states.same(weights, saved.get_weights())
    scores = runs.read_json(folder / runs.METRICS)["validation"]["best"]
    found, _ = command_runs.evaluated(folder)
    assert found["validation"]["static"] == scores["static"]


def _record(folder) -> pathlib.Path:
    return folder / "checkpoints" / "epoch_0002_step_000000.json"
