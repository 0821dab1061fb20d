"""Divergence, exits that nobody or everybody takes, classes never predicted."""

import numpy as np
import pytest
import tiny

from elf_keras.losses import across_exits
from elf_keras.training import watchdogs


@pytest.mark.parametrize("loss", [float("nan"), float("inf"), -float("inf")])
def test_a_loss_that_is_no_number_diverged_at_its_step(loss):
    stop = watchdogs.StopOnDivergence()
    stop.set_model(tiny.compiled())
    stop.on_train_batch_end(6, {"loss": 2.0})
    with pytest.raises(watchdogs.DivergedError, match="at step 8") as caught:
        stop.on_train_batch_end(7, {"loss": np.float32(loss)})
    assert str(loss) in str(caught.value)


def test_a_loss_explodes_at_a_hundred_times_that_of_equal_scores():
    """Two exits, three classes: 2 log 3 = 2.197."""
    stop = watchdogs.StopOnDivergence()
    stop.set_model(tiny.compiled())
    stop.on_train_batch_end(0, {"loss": 219.7})
    with pytest.raises(watchdogs.DivergedError, match="220, over a hundred"):
        stop.on_train_batch_end(1, {"loss": 219.8})


@pytest.mark.parametrize("value", [np.nan, np.inf, 1e20])
def test_spoiled_weights_are_refused(value):
    model = tiny.model()
    watchdogs.check_weights(model)
    weights = model.get_weights()
    weights[2][0, 0] = value
    model.set_weights(weights)
    with pytest.raises(watchdogs.DivergedError, match="no longer finite"):
        watchdogs.check_weights(model)


def rows(*shares):
    names = [f"exit_{k}_share" for k in range(1, len(shares[0]) + 1)]
    return [dict(zip(names, row, strict=True)) for row in shares]


@pytest.mark.parametrize(
    ("last_share", "words"),
    [
        (1.0, "lower --train_threshold"),
        (0.995, "lower --train_threshold"),
        (0.98, None),
        (0.5, None),
        (0.02, None),
        (0.005, "raise --train_threshold"),
        (0.0, "raise --train_threshold"),
    ],
)
def test_share_warnings_say_which_way_to_go(last_share, words):
    early = 1 - last_share
    history = rows((0, 0, 1), (0.9 * early, 0.1 * early, last_share))
    found = watchdogs.warnings(history, 3, True)
    if words is None:
        assert found == []
    else:
        assert len(found) == 1
        assert words in found[0]
        assert f"{100 * early:.1f} %" in found[0]
    assert watchdogs.warnings(history, 3, False) == []


def test_an_exit_that_nobody_takes_is_named():
    found = watchdogs.warnings(rows((0.5, 0.2, 0.3), (0.4, 0, 0.6)), 3, True)
    assert len(found) == 1
    assert "nobody took exit 2 in the last epoch" in found[0]


def test_an_exit_that_takes_everything_from_the_first_epoch_on_is_named():
    always = rows((0.995, 0.005, 0), (1, 0, 0))
    found = watchdogs.warnings(always, 3, True)
    assert len(found) == 1
    assert "exit 1 took over 99 %" in found[0]
    assert "raise --train_threshold" in found[0]
    assert watchdogs.greedy_exits(rows((0.98, 0.02), (1, 0)), 2) == []


def test_classes_that_are_never_predicted_are_counted():
    history = [{watchdogs.NEVER_PREDICTED: 4.0}]
    found = watchdogs.warnings(history, 1, False)
    assert len(found) == 1
    assert found[0].startswith("4 of the classes with validation images")
    assert (
        watchdogs.warnings([{watchdogs.NEVER_PREDICTED: 0.0}], 1, False) == []
    )
    assert watchdogs.warnings([{"loss": 1.0}], 1, False) == []
    assert watchdogs.warnings([], 2, True) == []


def test_the_greedy_exit_is_told_at_once_and_once_and_the_rest_at_the_end():
    history, said = [], []
    callback = watchdogs.Warnings(history, 2, True, report=said.append)
    callback.set_params({"epochs": 3})
    for epoch, row in enumerate(rows((1, 0), (1, 0), (0.5, 0.5))):
        row[watchdogs.NEVER_PREDICTED] = 1.0
        callback.on_epoch_end(epoch, row)
        history.append(row)
        assert len(said) == [1, 1, 2][epoch]
    assert said[0].startswith("warning: exit 1 took over 99 %")
    assert said[1].startswith("warning: 1 of the classes")


def test_weights_of_exits_count_in_what_equal_scores_lose():
    """Weights 100 and 50: 150 log 3 = 164.8 where the plain sum has 2.197."""
    model = tiny.compiled()
    exit_loss = across_exits.weighted(
        model.objective.exit_loss, np.array([100.0, 50.0])
    )
    model.objective.exit_loss = exit_loss
    stop = watchdogs.StopOnDivergence()
    stop.set_model(model)
    stop.on_train_batch_end(0, {"loss": 16_479.0})
    with pytest.raises(watchdogs.DivergedError):
        stop.on_train_batch_end(1, {"loss": 16_480.0})
