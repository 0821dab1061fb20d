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


@pytest.mark.parametrize(
    ("weights", "kept", "loss"),
    [([1.0, 1.0], 219.7, 219.8), ([100.0, 50.0], 16_479.0, 16_480.0)],
)
def test_a_loss_explodes_at_a_hundred_times_that_of_equal_scores(
    weights, kept, loss
):
    """Three classes: (1 + 1) log 3 = 2.1972, (100 + 50) log 3 = 164.792."""
    model = tiny.compiled()
    model.objective.exit_loss = across_exits.weighted(
        model.objective.exit_loss, np.array(weights)
    )
    stop = watchdogs.StopOnDivergence()
    stop.set_model(model)
    stop.on_train_batch_end(0, {"loss": kept})
    with pytest.raises(watchdogs.DivergedError) as caught:
        stop.on_train_batch_end(1, {"loss": loss})
    assert f"{loss:.3g}, over a hundred" in str(caught.value)


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
    assert len(found) == bool(words)
    for sentence in found:
        assert words in sentence
        assert f"{100 * early:.1f} %" in sentence
    assert watchdogs.warnings(history, 3, False) == []


@pytest.mark.parametrize(
    ("shares", "words"),
    [
        (
            [(0.5, 0.2, 0.3), (0.4, 0, 0.6)],
            ["no image took exit 2 in the last"],
        ),
        (
            [(0.995, 0.005, 0), (1, 0, 0)],
            ["exit 1 took over 99 %", "raise --train_threshold"],
        ),
    ],
)
def test_an_exit_that_takes_nothing_or_all_is_named(shares, words):
    (found,) = watchdogs.warnings(rows(*shares), 3, True)
    assert all(word in found for word in words)
    assert watchdogs.greedy_exits(rows((0.98, 0.02), (1, 0)), 2) == []


def test_classes_that_are_never_predicted_are_counted():
    history = [{watchdogs.NEVER_PREDICTED: 4.0}]
    (found,) = watchdogs.warnings(history, 1, False)
    assert found.startswith("4 of the classes with validation images")
    for logs in ({watchdogs.NEVER_PREDICTED: 0.0}, {"loss": 1.0}):
        assert watchdogs.warnings([logs], 1, False) == []
    assert watchdogs.warnings([], 2, True) == []


def test_the_greedy_exit_is_told_at_once_and_once_and_the_rest_at_the_end():
    history, said = [], []
    callback = watchdogs.Warnings(history, said.append)
    callback.set_model(tiny.compiled())
    callback.set_params({"epochs": 3})
    for epoch, row in enumerate(rows((1, 0), (1, 0), (0.5, 0.5))):
        row[watchdogs.NEVER_PREDICTED] = 1.0
        callback.on_epoch_end(epoch, row)
        history.append(row)
        assert len(said) == [1, 1, 2][epoch]
    assert said[0].startswith("warning: exit 1 took over 99 %")
    assert said[1].startswith("warning: 1 of the classes")
