"""Stopped within an epoch and resumed: every example once, the same end."""

import os
import signal

import interrupted
import numpy as np
import pytest
import tiny
from interrupted import BATCH, EPOCHS, EXAMPLES, STEPS, power_cut

from elf_keras import runs
from elf_keras.distribution import worker_steps
from elf_keras.runs import preemption
from elf_keras.training import callbacks, checkpoints, mid_epoch

pytestmark = pytest.mark.slow

# Every step is due: the shortest interval that is one.
ALWAYS = 1e-12


def sigterm(_):
    os.kill(os.getpid(), signal.SIGTERM)


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    built = interrupted.model()
    outcome, _ = interrupted.fit(tmp_path_factory.mktemp("whole"), built)
    return built, outcome


def stopped(folder, at, event, minutes):
    """Train until the event before a step; return what was seen and said."""
    built, said = interrupted.model(at=at, event=event), []
    with pytest.raises((interrupted.PowerCutError, preemption.Preempted)):
        interrupted.fit(folder, built, minutes=minutes, said=said)
    return built.seen, said


def resumed(folder, whole, **options):
    """Go on in a new model, to the end of the uninterrupted one."""
    built = interrupted.model(seed=9)
    outcome, said = interrupted.fit(folder, built, **options)
    interrupted.assert_ends_alike(built, outcome, *whole)
    assert all(row["seconds"] > 0 for row in outcome.history)
    return built, outcome, said


def ids(images):
    return sorted(map(tuple, np.concatenate(images).tolist()))


@pytest.mark.parametrize(
    ("event", "at", "minutes", "place"),
    [
        (power_cut, 1, ALWAYS, (0, 1)),
        (power_cut, 5, ALWAYS, (1, 0)),
        (power_cut, 8, ALWAYS, (1, 3)),
        # The step that SIGTERM falls into is ended, but for the first.
        (sigterm, 0, 0.0, (0, 0)),
        (sigterm, 2, 0.0, (0, 3)),
        (sigterm, 4, 0.0, (0, 5)),
        (sigterm, 5, 0.0, (1, 1)),
        (sigterm, 8, ALWAYS, (1, 4)),
        (sigterm, 14, 0.0, (2, 5)),
    ],
)
def test_no_example_twice_none_lost_and_the_same_end(
    whole, tmp_path, event, at, minutes, place
):
    done = STEPS * place[0] + place[1]
    with preemption.watched():
        before, said = stopped(tmp_path, at, event, minutes)
        assert sorted(before) == list(range(done))
    if event is sigterm:
        assert said[-1] == f"saved after {checkpoints.shown(place)}"
    built, outcome, said = resumed(tmp_path, whole)
    assert outcome.first_place == place
    assert said[0].startswith("continuing after epoch") == (done > 0)
    assert sorted(built.seen) == list(range(done, EPOCHS * STEPS))
    steps = before | built.seen
    everything = ids([tiny.data().train.images.reshape(-1, 4)])
    assert len(set(everything)) == EXAMPLES
    for epoch in range(EPOCHS):
        part = [steps[STEPS * epoch + step] for step in range(STEPS)]
        assert [len(images) for images in part] == [BATCH] * 4 + [2]
        assert ids(part) == everything
    for step, images in whole[0].seen.items():
        np.testing.assert_array_equal(images, steps[step])


@pytest.mark.slow
def test_at_every_single_step_the_run_may_be_cut(whole, tmp_path):
    for at in range(1, EPOCHS * STEPS):
        seen, _ = stopped(tmp_path, at, power_cut, ALWAYS)
        assert list(seen) == [at - 1]
    resumed(tmp_path, whole, minutes=ALWAYS)


@pytest.mark.parametrize("minutes", [0.0, 1000.0])
def test_before_an_interval_is_over_an_epoch_begins_again(
    whole, tmp_path, minutes
):
    stopped(tmp_path, 8, power_cut, minutes)
    held = sorted(path.name for path in tmp_path.glob("checkpoints/*.json"))
    assert held == [f"epoch_000{done}_step_000000.json" for done in (0, 1)]
    built, _, _ = resumed(tmp_path, whole)
    assert min(built.seen) == STEPS


def test_one_of_several_workers_may_stop_while_it_validates(tmp_path):
    """SIGTERM of an epoch's last step, of which the others do not know."""
    built = interrupted.model()
    outcome, _ = interrupted.fit(tmp_path, built)
    saver = outcome.checkpoints
    clock = callbacks.EpochClock(EXAMPLES)
    middle = mid_epoch.MidEpoch(saver, clock, minutes=0.0)
    middle.set_model(built)
    clock.on_epoch_begin(EPOCHS)
    middle.on_epoch_begin(EPOCHS)
    middle.wishes = worker_steps.Wishes()
    with preemption.watched():
        middle.on_train_batch_begin(STEPS - 1)
        sigterm(built)
        assert middle.wishes.mine == (False, False)
        middle.on_train_batch_end(STEPS - 1)
        with pytest.raises(preemption.Preempted):
            middle.on_epoch_end(EPOCHS)
    assert not middle.stopped_together
    assert saver.place == (EPOCHS, STEPS)
    middle.wishes.shared = (True, False)
    assert middle.stopped_together


def test_what_was_trained_is_saved_before_a_long_validation(tmp_path):
    saver = checkpoints.Checkpoints(tmp_path, monitor=None)
    built = interrupted.model()
    built.optimizer.build(built.trainable_variables)
    saver.set_model(built)
    saver.save(1)
    clock = callbacks.EpochClock(EXAMPLES)
    for minutes, place in ((1000.0, (1, 0)), (ALWAYS, (1, STEPS))):
        middle = mid_epoch.MidEpoch(saver, clock, minutes=minutes)
        middle.set_model(built)
        clock.on_epoch_begin(1)
        middle.place = (1, STEPS)
        middle.on_epoch_end(1)
        assert saver.place == place


def test_sigterm_within_validation_loses_no_step(whole, tmp_path, monkeypatch):
    from elf_keras.evaluation import prediction

    predict = prediction.predict_logits

    def told_to_end(*arguments):
        sigterm(None)
        return predict(*arguments)

    monkeypatch.setattr(prediction, "predict_logits", told_to_end)
    built = interrupted.model()
    with preemption.watched(), pytest.raises(preemption.Preempted):
        interrupted.fit(tmp_path, built)
    assert sorted(built.seen) == list(range(STEPS))
    monkeypatch.undo()
    built, _, said = resumed(tmp_path, whole)
    assert said[0] == "continuing after epoch 0 and 5 steps"
    assert min(built.seen) == STEPS


def test_sigterm_in_a_step_that_spoils_the_weights_saves_none(tmp_path):
    def spoil(model):
        sigterm(None)
        # This step's loss is still a number, its weights are not.
        model.optimizer.learning_rate.assign(1e38)

    with preemption.watched():
        stopped(tmp_path, 2, spoil, 0.0)
    held = [path.name for path in tmp_path.glob("checkpoints/*.json")]
    assert held == ["epoch_0000_step_000000.json"]


def test_the_epochs_seconds_count_both_parts(whole, tmp_path):
    stopped(tmp_path, 3, power_cut, ALWAYS)
    path = tmp_path / "checkpoints" / "epoch_0000_step_000003.json"
    before = runs.read_json(path)["seconds"]
    assert before > 0
    _, outcome, _ = resumed(tmp_path, whole)
    assert outcome.history[0]["seconds"] > before


def test_a_damaged_checkpoint_within_an_epoch_costs_a_step(whole, tmp_path):
    stopped(tmp_path, 8, power_cut, ALWAYS)
    newest = tmp_path / "checkpoints" / "epoch_0001_step_000003.weights.h5"
    newest.write_bytes(newest.read_bytes()[:-1])
    _, outcome, said = resumed(tmp_path, whole)
    assert outcome.first_place == (1, 2)
    assert outcome.problems == said[:1]
    assert "epoch_0001_step_000003" in said[0]
    assert said[1] == "continuing after epoch 1 and 2 steps"
