"""A tiny training that records what each step saw, and can be interrupted."""

import numpy as np
import run_states
import tiny

from elf_keras.models.multi_exit_model import MultiExitModel
from elf_keras.training import loop, optimizer

EPOCHS = 3
EXAMPLES = 18
BATCH = 4
STEPS = 5


class PowerCutError(Exception):
    """Nothing is saved at it, as at kill -9."""


def power_cut(_):
    raise PowerCutError


class Watched(MultiExitModel):
    """Runs eagerly; before a step of the whole run something may happen.

    Attributes:
      seen: step of the whole run, from 0 -> a number for each image.
      at: step before which `event` is called.
    """

    def train_step(self, data):
        step = int(self.optimizer.iterations)
        if step == self.at:
            self.event(self)
        self.seen[step] = np.asarray(data[0]).reshape(-1, 4).astype(int)
        return super().train_step(data)


def model(*, seed=0, at=None, event=None):
    """The tiny model with images' bytes as ids: all 18 differ."""
    base = tiny.model(seed=seed)
    built = Watched(base.inputs[0], base.output, name="tiny")
    built.compile(
        optimizer.CoupledSGD(0.1),
        tiny.compiled(seed=seed).objective,
        run_eagerly=True,
    )
    built.seen, built.at, built.event = {}, at, event
    return built


def training(built, *, decay=0.0):
    """Three epochs of five steps."""
    plan = tiny.schedule(
        EPOCHS, rate=lambda epoch: 0.1 / (1 + int(epoch)), reweight_epoch=1
    )
    return tiny.training(built, plan, batch=BATCH, seed=3, decay=decay)


def fit(folder, built, *, minutes=0.0, said=None):
    """Train them; return outcome and what was said."""
    said = [] if said is None else said
    outcome = loop.fit(
        training(built),
        folder,
        checkpoint_minutes=minutes,
        report=said.append,
    )
    return outcome, said


def assert_ends_alike(built, outcome, whole, expected):
    """Weights, all that the optimizer holds, and the history but its times."""
    assert run_states.same(run_states.state(built), run_states.state(whole))
    found = run_states.untimed(outcome.history)
    assert found == run_states.untimed(expected.history)
