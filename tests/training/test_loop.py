"""The optimizer by hand, and what a whole `fit` records and resumes."""

import dataclasses
import math
from unittest import mock

import interrupted
import numpy as np
import pytest
import run_states
import tensorflow as tf
import tiny

from elf_keras import losses
from elf_keras.errors import InputError
from elf_keras.losses.objective import CumulativeLoss
from elf_keras.training import loop, schedules

pytestmark = pytest.mark.slow


def fit(folder, epochs, **options):
    data = options.pop("data", tiny.data())
    model = options.pop("model", None) or tiny.compiled()
    plan = tiny.schedule(epochs, **options)
    outcome = loop.fit(tiny.training(model, plan, parts=data), folder)
    return model, outcome


RATE = schedules.step_decay_with_warmup(
    0.2, warmup_epochs=3, decay_epochs=(8, 11), decay_factor=0.1
)


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    model, outcome = fit(folder, 12, rate=RATE, reweight_epoch=8)
    return folder, model, outcome


def test_fit_learns(trained):
    _, _, outcome = trained
    assert len(outcome.history) == 12
    assert outcome.history[-1]["loss"] < 0.7 * outcome.history[0]["loss"]
    # Everyone leaves at exit 1 before long: the last exit learns no more.
    assert max(row["exit_1_accuracy"] for row in outcome.history) > 0.8
    assert (outcome.first_place, outcome.problems) == ((0, 0), [])


def test_the_recorded_rates_are_those_of_the_schedule(trained):
    rates = [row["learning_rate"] for row in trained[2].history]
    by_hand = [0.2 / 3, 0.4 / 3, *[0.2] * 6, 0.02, 0.02, 0.02, 0.002]
    np.testing.assert_allclose(rates, by_hand, rtol=1e-6)


def test_every_epoch_records_shares_that_sum_to_1(trained):
    for number, row in enumerate(trained[2].history, start=1):
        assert row["epoch"] == number
        shares = row["exit_1_share"] + row["exit_2_share"]
        assert shares == pytest.approx(1)
        for key in (
            "exit_1_loss",
            "exit_2_accuracy",
            "validation_exit_1_accuracy",
            "seconds",
            "images_per_second",
        ):
            assert math.isfinite(row[key])


def test_the_best_epoch_is_the_last_of_the_highest_validation(trained):
    _, _, outcome = trained
    scores = [row["validation_accuracy"] for row in outcome.history]
    best = max(range(12), key=lambda epoch: (scores[epoch], epoch))
    assert outcome.best_epoch == best


def test_tensorboard_has_what_the_history_has(trained):
    from tensorboard.backend.event_processing import event_accumulator

    folder, _, outcome = trained
    events = event_accumulator.EventAccumulator(
        str(folder / "tensorboard" / "train"), {"tensors": 0}
    ).Reload()
    wanted = ["loss", "learning_rate", "validation_accuracy"] + [
        f"exit_{number}_{what}"
        for number in (1, 2)
        for what in ("accuracy", "share", "loss")
    ]
    for key in wanted:
        written = events.Tensors(f"epoch_{key}")
        assert [event.step for event in written] == list(range(12))
        np.testing.assert_allclose(
            [tf.make_ndarray(event.tensor_proto) for event in written],
            [row[key] for row in outcome.history],
            rtol=1e-6,
        )


def test_a_run_that_goes_on_ends_with_the_same_weights(trained, tmp_path):
    """Epochs 0-4, then 5-11 in a new model: over the change of weights."""
    fit(tmp_path, 5, rate=RATE, reweight_epoch=8)
    model = tiny.compiled(seed=9)
    _, second = fit(tmp_path, 12, model=model, rate=RATE, reweight_epoch=8)
    assert second.first_place == (5, 0)
    interrupted.assert_ends_alike(model, second, *trained[1:])


def test_a_finished_run_is_not_trained_again(trained):
    folder, whole, outcome = trained
    model = tiny.compiled(seed=9)
    _, again = fit(folder, 12, model=model)
    assert (again.first_place, again.history) == ((12, 0), outcome.history)
    assert again.best_epoch == outcome.best_epoch
    assert run_states.same(model.get_weights(), whole.get_weights())


def test_the_share_of_two_branches_follows_the_epochs(tmp_path):
    model = tiny.compiled()
    plain, share = model.training_pass, tf.Variable(1.0)
    model.training_pass = mock.Mock(side_effect=plain, share=share)
    shares = dict(enumerate([1.0, 0.75, 0.25]))
    for epochs in (2, 3):
        plan = dataclasses.replace(
            tiny.schedule(epochs), conventional_share=shares.get
        )
        loop.fit(tiny.training(model, plan), tmp_path)
        assert share.numpy() == shares[epochs - 1]


def test_without_validation(tmp_path):
    _, outcome = fit(tmp_path, 2, data=tiny.data(validation=False))
    assert outcome.best_epoch is None
    assert "validation_accuracy" not in outcome.history[0]


def test_weights_that_are_no_numbers_are_told_before_training(tmp_path):
    model = tiny.compiled()
    model.set_weights([np.full_like(each, np.nan) for each in model.weights])
    with pytest.raises(InputError, match="training begins with are of no use"):
        fit(tmp_path, 2, model=model)


def test_a_loss_explodes_beyond_that_of_the_rarest_class():
    """By hand, of balanced softmax: -log of its share of the images."""
    loss = losses.exit_loss("balanced_softmax", [990, 7, 3])
    objective = CumulativeLoss(loss, 3)
    expected = 2 * -math.log(0.003)
    assert objective.loss_of_equal_logits(2) == pytest.approx(expected)
    plain = CumulativeLoss(losses.exit_loss("ce", [9, 6, 3]), 3)
    assert plain.loss_of_equal_logits(2) == pytest.approx(2 * math.log(3))
