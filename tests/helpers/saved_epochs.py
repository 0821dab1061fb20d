"""Epochs of a tiny model, saved with scores that a test chooses."""

import functools

import tiny
from run_states import state

from elf_keras.training import checkpoints

IMAGES, LABELS = tiny.data().train.images, tiny.data().train.labels


def save(folder, *, scores, monitor="score"):
    """Train one batch per epoch, each with the validation score given."""
    model = _at_its_start()
    saver = checkpoints.Checkpoints(folder, monitor=monitor)
    saver.set_model(model)
    saver.set_params({"epochs": len(scores)})
    states = []
    for epoch, score in enumerate(scores):
        model.train_on_batch(IMAGES, LABELS)
        states.append(state(model))
        saver.on_epoch_end(epoch, {"loss": 0.1 + 1 / 3, "score": score})
    return saver, states


def _at_its_start():
    """One model for all: its step is traced once, which takes the time."""
    model, start = _traced()
    variables = [*model.weights, *model.optimizer.variables]
    for variable, value in zip(variables, start, strict=True):
        variable.assign(value)
    return model


@functools.cache
def _traced():
    model = tiny.compiled()
    model.optimizer.build(model.trainable_variables)
    return model, state(model)


def fresh():
    model = tiny.compiled(seed=5)
    model.optimizer.build(model.trainable_variables)
    return model


def restored(folder, model=None):
    """What goes on from a folder, and what it says of damaged checkpoints."""
    saver = checkpoints.Checkpoints(folder, monitor="score")
    return saver, saver.restore(model or fresh())


def names(folder):
    return sorted(path.name for path in folder.iterdir())
