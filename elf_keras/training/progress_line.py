"""How far a training is, on a terminal: one line instead of Keras' bar."""

import time

import keras

from elf_keras.runs import progress
from elf_keras.training import watchdogs


class ProgressLine(keras.callbacks.Callback):
    """Show epoch, step, time left, loss, and how many images leave early.

    The time left is that of all epochs, validation included, by the speed of
    this process since its first step, which also builds the graph.

    Args:
      place: epochs, and steps of the next one, that were done before.
    """

    def __init__(self, place: tuple[int, int]):
        super().__init__()
        self.place = place
        self.epoch, self.steps, self.first = 0, 0, None

    def on_train_begin(self, logs=None):
        """Say what takes so long before the first step."""
        progress.show("building the graph of the training step")

    def on_epoch_begin(self, epoch, logs=None):
        """Know the epoch."""
        self.epoch = epoch

    def on_train_batch_end(self, batch, logs=None):
        """Show the step, unless it was done before this process."""
        if (self.epoch, batch) < self.place:
            return
        self.steps += 1
        if self.first is None:
            self.first = time.perf_counter()
        if progress.due():
            progress.show(*self._parts(batch + 1, logs))

    def _parts(self, step, logs):
        epochs, steps = self.params["epochs"], self.params["steps"]
        seconds = time.perf_counter() - self.first
        begun, done = self.steps - 1, self.epoch * steps + step
        left = epochs * steps - done
        exits, may_leave = watchdogs.leaving(self.model)
        early = 1 - float(logs[f"exit_{exits}_share"])
        return (
            f"epoch {self.epoch + 1}/{epochs}",
            f"step {step}/{steps}",
            progress.time_left(begun, begun + left, seconds),
            f"loss {float(logs['loss']):.3f}",
            f"{100 * early:.0f} % leave early" if may_leave else "",
        )
