"""A divergence: back once at a tenth of the rate, then an end that says why."""

import interrupted
import numpy as np
import pytest
import tiny
from interrupted import PowerCutError, power_cut

from elf_keras.errors import InputError
from elf_keras.runs import machine
from elf_keras.training import checkpoints, determinism, loop


def spoil(model):
    """As one bad batch does: a weight that is no number."""
    model.trainable_weights[0].assign(
        np.full(model.trainable_weights[0].shape, np.nan)
    )


def rates(outcome):
    return [row["learning_rate"] for row in outcome.history]


@pytest.fixture(scope="module")
def recovered(tmp_path_factory):
    """Diverges in the second step of the second epoch."""
    folder = tmp_path_factory.mktemp("run")
    built = interrupted.model(at=6, event=once(spoil))
    return folder, built, *interrupted.fit(folder, built)


def once(event):
    left = [event]

    def happen(model):
        if left:
            left.pop()(model)

    return happen


def test_it_goes_back_an_epoch_and_on_at_a_tenth(recovered):
    folder, built, outcome, said = recovered
    np.testing.assert_allclose(
        rates(outcome), [0.1, 0.1 / 2 / 10, 0.1 / 3 / 10], rtol=1e-6
    )
    assert [row["epoch"] for row in outcome.history] == [1, 2, 3]
    told = (
        "the loss is nan at step 2 of epoch 2, learning rate 0.05; went back "
        "to the checkpoint of epoch 1 and continued at 0.1 times the scheduled "
        "rate"
    )
    assert said[0] == f"warning: {told}"
    assert outcome.warnings[0] == told
    assert outcome.checkpoints.notes["rollback"] == {
        "problem": told.partition(";")[0],
        "epochs": 1,
        "steps": 0,
        "rate_factor": 0.1,
    }
    assert int(built.optimizer.iterations) == 15
    assert np.isfinite(built.get_weights()[0]).all()


@pytest.mark.slow
@pytest.mark.parametrize("at", [6, 8])
def test_a_run_resumed_after_it_ends_alike(recovered, tmp_path, at):
    """The power fails right at the divergence, or two steps on."""

    def happen(model):
        spoil(model)
        model.at, model.event = at, power_cut

    built = interrupted.model(at=6, event=happen)
    with pytest.raises(PowerCutError):
        interrupted.fit(tmp_path, built)
    built = interrupted.model(seed=9)
    outcome, _ = interrupted.fit(tmp_path, built)
    assert outcome.warnings == recovered[2].warnings
    interrupted.assert_ends_alike(built, outcome, *recovered[1:3])


@pytest.mark.slow
def test_what_a_resumed_process_noted_is_kept(tmp_path, monkeypatch):
    """It diverges before it saved anything of its own."""
    built = interrupted.model(at=5, event=power_cut)
    with pytest.raises(PowerCutError):
        interrupted.fit(tmp_path, built)
    monkeypatch.setattr(machine, "_processor", lambda: "another")
    built = interrupted.model(at=6, event=once(spoil))
    outcome, _ = interrupted.fit(tmp_path, built)
    notes = outcome.checkpoints.notes
    assert "rollback" in notes
    (reason,) = determinism.reasons(notes, deterministic=True)
    assert reason.startswith("resumed with processor another, before ")


@pytest.mark.slow
def test_the_second_divergence_ends_the_run_with_both_told(tmp_path):
    told = (
        "step 2 of epoch 2, learning rate 0.005; it had diverged before: .*"
        "step 2 of epoch 2, learning rate 0.05; went back to the checkpoint "
        "of epoch 1 .*lower --learning_rate"
    )
    messages = set()
    # Resumed, it says so again.
    for _ in range(2):
        with pytest.raises(InputError, match=told) as caught:
            interrupted.fit(tmp_path, interrupted.model(at=6, event=spoil))
        messages.add(str(caught.value))
    (message,) = messages
    assert "\n" not in message


def diverge(folder, batch_size, epochs=3):
    return loop.fit(
        tiny.training(
            tiny.compiled(rate=1e30),
            tiny.schedule(epochs, rate=lambda epoch: 1e30),
            batch=batch_size,
        ),
        folder,
    )


def test_in_the_first_epoch_it_begins_again_and_then_stops(tmp_path):
    told = r"step 2 of epoch 1, learning rate 1e\+29;.*checkpoint of epoch 0 "
    with pytest.raises(InputError, match=told):
        diverge(tmp_path, 5)


@pytest.mark.slow
@pytest.mark.parametrize("epochs", [1, 3])
def test_no_checkpoint_holds_weights_that_are_not_finite(tmp_path, epochs):
    """The last step of an epoch, and of the run, is the one that spoils."""
    with pytest.raises(InputError, match="at the last step of epoch 1"):
        diverge(tmp_path, 18, epochs)
    model = tiny.compiled()
    model.optimizer.build(model.trainable_variables)
    saver = checkpoints.Checkpoints(tmp_path / "checkpoints")
    assert (saver.restore(model), saver.place) == ([], (0, 0))
    scores = model.predict(tiny.data().train.images, verbose=0)
    assert np.isfinite(scores["exit_2"]).all()
    assert saver.notes["rollback"]["rate_factor"] == 0.1
