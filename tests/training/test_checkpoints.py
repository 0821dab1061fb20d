"""Checkpoints: what is kept, what a damaged one costs, what comes back."""

import json

import keras
import numpy as np
import pytest
from run_states import same, state
from saved_epochs import IMAGES, LABELS, fresh, names, restored, save

from elf_keras import runs
from elf_keras.training import checkpoint_files


def test_two_epochs_and_the_best_are_kept(tmp_path):
    saver, _ = save(tmp_path, scores=[0.1, 0.9, 0.2, 0.3, 0.4])
    assert names(tmp_path) == [
        "epoch_0002_step_000000.weights.h5",
        "epoch_0004_step_000000.json",
        "epoch_0004_step_000000.weights.h5",
        "epoch_0005_step_000000.json",
        "epoch_0005_step_000000.weights.h5",
    ]
    assert saver.best["epoch"] == 1
    assert saver.place == (5, 0)


def test_the_newest_is_so_by_number_however_many_digits_it_has(tmp_path):
    saver, _ = save(tmp_path, scores=[0.1])
    for epochs in (9_999, 10_000, 10_001):
        saver.save(epochs)
    assert [name for name in names(tmp_path) if name.endswith(".json")] == [
        "epoch_10000_step_000000.json",
        "epoch_10001_step_000000.json",
    ]
    again, problems = restored(tmp_path)
    assert (problems, again.place) == ([], (10_001, 0))


def test_a_best_that_an_older_checkpoint_names_is_kept(tmp_path):
    save(tmp_path, scores=[0.9, 0.2, 0.3, 1.0])
    assert [name for name in names(tmp_path) if name.endswith(".h5")] == [
        "epoch_0001_step_000000.weights.h5",
        "epoch_0003_step_000000.weights.h5",
        "epoch_0004_step_000000.weights.h5",
    ]
    (tmp_path / "epoch_0004_step_000000.json").unlink()
    saver, problems = restored(tmp_path)
    assert problems == []
    assert saver.load_best(fresh()) == 0


@pytest.mark.slow
@pytest.mark.parametrize(
    ("scores", "best"),
    [([0.5, 0.7, 0.6], 1), ([0.7, 0.7, 0.6], 1), ([0.5, 0.5, 0.5], 2)],
)
def test_the_best_epoch_and_the_later_of_equals(tmp_path, scores, best):
    saver, states = save(tmp_path, scores=scores)
    assert (saver.best["epoch"], saver.best["score"]) == (best, scores[best])
    model = fresh()
    assert saver.load_best(model) == best
    count = len(model.weights)
    assert same(state(model)[:count], states[best][:count])


@pytest.mark.parametrize("monitor", [None, "other"])
def test_without_a_score_there_is_no_best(tmp_path, monitor):
    assert save(tmp_path, scores=[0.5, 0.6], monitor=monitor)[0].best is None


def test_restore_brings_back_weights_momentum_steps_and_history(tmp_path):
    saver, states = save(tmp_path, scores=[0.5, 0.7, 0.6])
    model = fresh()
    assert (4, 5) in [held.shape for held in model.optimizer.variables]
    again, problems = restored(tmp_path, model)
    assert problems == []
    assert same(state(model), states[-1])
    assert again.history == saver.history
    assert again.best == saver.best
    assert again.place == (3, 0)
    assert [row["epoch"] for row in again.history] == [1, 2, 3]


def test_a_restored_model_trains_on_bit_for_bit(tmp_path):
    _, states = save(tmp_path, scores=[0.5, 0.6])
    (tmp_path / "epoch_0002_step_000000.json").unlink()
    model = fresh()
    saver, problems = restored(tmp_path, model)
    assert (problems, saver.place) == ([], (1, 0))
    model.train_on_batch(IMAGES, LABELS)
    assert same(state(model), states[1])


def test_an_empty_folder_starts_at_epoch_0(tmp_path):
    model = fresh()
    before = state(model)
    saver, problems = restored(tmp_path / "none yet", model)
    assert (problems, saver.place) == ([], (0, 0))
    assert same(state(model), before)
    assert not (tmp_path / "none yet").exists()


def test_a_failed_write_keeps_what_was_there(tmp_path, monkeypatch):
    saver, _ = save(tmp_path, scores=[0.1, 0.2])
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}

    def full(path):
        path.write_bytes(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(saver.model, "save_weights", full)
    with pytest.raises(OSError, match="No space"):
        saver.on_epoch_end(2, {"score": 0.0})
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_the_record_is_written_after_what_it_names(tmp_path):
    save(tmp_path, scores=[0.9, 0.1])
    record = json.loads((tmp_path / "epoch_0002_step_000000.json").read_text())
    for part in (record["weights"], record["best"]):
        assert runs.checksum(tmp_path / part["file"]) == part["sha256"]
    assert record["history"][0]["loss"] == 0.1 + 1 / 3


def test_random_streams_of_layers_go_on(tmp_path):
    """A file of weights lacks them, and Dropout would repeat its masks."""
    image = keras.Input((4,))
    dropped = keras.layers.Dropout(0.5, seed=3)(image)
    models = [keras.Model(image, dropped), keras.Model(image, dropped)]
    ones = np.ones((1, 4), "float32")
    model, again = (keras.models.clone_model(each) for each in models)
    first = np.array(model(ones, training=True))
    seeds = checkpoint_files.seeds(model)
    assert len(seeds) == 1
    second, third = (np.array(model(ones, training=True)) for _ in range(2))
    assert not (first == second).all() or not (second == third).all()
    checkpoint_files.set_seeds(again, json.loads(json.dumps(seeds)))
    np.testing.assert_array_equal(again(ones, training=True), second)
    np.testing.assert_array_equal(again(ones, training=True), third)
    # As recorded before there were any.
    checkpoint_files.set_seeds(again, [])
