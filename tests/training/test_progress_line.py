"""One line on a terminal for a training: step, time left, loss, leaving."""

import itertools

import numpy as np
import pytest
import terminals
import tiny

from elf_keras.runs import progress
from elf_keras.training import progress_line


@pytest.fixture
def terminal(monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    # Every step is shown, and takes a second.
    monkeypatch.setattr(progress, "PAUSE", 0.0)
    ticks = itertools.count()
    clock = progress_line.time
    monkeypatch.setattr(clock, "perf_counter", lambda: float(next(ticks)))
    return terminals.Terminal()


def trained(terminal, model, place=(0, 0), *, epochs=3, steps=4):
    """Call it as `fit` does from a place in the training on."""
    line = progress_line.ProgressLine(place)
    line.set_model(model)
    line.set_params({"epochs": epochs, "steps": steps})
    logs = {"loss": 1.23456, "exit_1_share": 0.25, "exit_2_share": 0.75}
    with terminal.attached():
        line.on_train_begin()
        for epoch in range(place[0], epochs):
            line.on_epoch_begin(epoch)
            for batch in range(steps):
                line.on_train_batch_end(batch, logs)


def test_a_training_says_how_far_it_is(terminal):
    trained(terminal, tiny.compiled(threshold=0.5))
    first, *steps = terminal.states
    assert first == "building the graph of the training step"
    assert steps[0] == "epoch 1/3  step 1/4  loss 1.235  25 % leave early"
    assert steps[1] == (
        "epoch 1/3  step 2/4  20 s left  loss 1.235  25 % leave early"
    )
    assert steps[-1].startswith("epoch 3/3  step 4/4  0 s left")
    assert len(steps) == 12


def test_where_nobody_leaves_no_share_is_told(terminal):
    trained(terminal, tiny.compiled(threshold=np.inf))
    assert "loss 1.235" in terminal.states[-1]
    assert "leave" not in terminal.getvalue()


def test_steps_that_were_done_before_are_not_counted(terminal):
    trained(terminal, tiny.compiled(threshold=0.5), (1, 2))
    _, *steps = terminal.states
    assert steps[0].startswith("epoch 2/3  step 3/4  loss")
    # Two seconds by this clock: one for a step, one for looking.
    assert steps[1].startswith("epoch 2/3  step 4/4  8 s left")
    assert len(steps) == 6


def test_the_longest_line_fits(terminal):
    line = progress_line.ProgressLine((0, 0))
    line.set_model(tiny.compiled(threshold=0.5))
    line.set_params({"epochs": 200, "steps": 10_010})
    line.on_epoch_begin(99)
    logs = {"loss": 12.3456, "exit_1_share": 1.0, "exit_2_share": 0.0}
    with terminal.attached():
        for batch in (9000, 10_008):
            line.on_train_batch_end(batch, logs)
    (_, last) = terminal.states
    assert last.startswith("epoch 100/200  step 10009/10010  ")
    assert last.endswith(" h left  loss 12.346  100 % leave early")
    assert len(last) < 80
