"""Saving within an epoch, and going on there: no example twice, none lost."""

import time

import keras

from elf_keras.distribution import workers
from elf_keras.runs import preemption
from elf_keras.training import callbacks, checkpoints


class MidEpoch(keras.callbacks.Callback):
    """Know the place in the epoch, save it by the clock, go on from it.

    A resumed epoch keeps its number of steps: those that were done before
    are counted again without a batch, and the data begins with the next one.

    Args:
      clock: the epoch's clock; put it before this callback.
      minutes: between two checkpoints; 0 saves at the end of epochs only.
        Several workers save there twice, before and after validation.

    Attributes:
      place: epoch, and steps done in it, that the weights now are at.
    """

    def __init__(
        self,
        saver: checkpoints.Checkpoints,
        clock: callbacks.EpochClock,
        *,
        minutes: float,
    ):
        super().__init__()
        self.saver, self.clock = saver, clock
        self.interval = 60 * minutes or float("inf")
        self.saved = time.monotonic()
        self.place = self.began = saver.place
        self.wishes = None

    def on_train_begin(self, logs=None):
        """Find out whether other workers have a say."""
        self.wishes = getattr(self.model.train_function, "wishes", None)

    def on_epoch_begin(self, epoch, logs=None):
        """Start the epoch, or take up its metrics, time and steps."""
        self.place = self.saver.place
        if self.place[1]:
            self.saver.restore_metrics(self.model)
            self.clock.start -= self.saver.seconds
            self._skip(self.place[1])

    def on_train_batch_begin(self, batch, logs=None):
        """Let a step end once it has begun; several workers stop together."""
        # Not the first: its tracing takes long, and without it nothing is lost.
        if self.wishes or self.place > self.began:
            preemption.hold()
        if self.wishes:
            self.wishes.mine = (preemption.asked(), self._is_due())

    def on_train_batch_end(self, batch, logs=None):
        """Count the step; save where it is time to.

        Raises `Preempted` where SIGTERM came meanwhile, to any worker.
        """
        self.place = max(self.place, (self.place[0], batch + 1))
        if self.wishes:
            stop, due = self.wishes.shared
            if stop:
                raise preemption.Preempted
        else:
            preemption.let_go()
            due = self._is_due()
        if due:
            self.save()

    def on_epoch_end(self, epoch, logs=None):
        """The epoch's own checkpoint follows, after validation.

        Raises `Preempted` where SIGTERM came to this one of several workers.
        """
        if self.wishes:
            # Validation, which can be long, has no step to stop after
            # together: from here on each stops by itself.
            self.save()
            # None leaves before the one that writes has written.
            workers.check_agreement(self.model.distribute_strategy, "saved")
            preemption.let_go()
        elif self._is_due():
            # Validation may take longer than the interval.
            self.save()
        self.saved = time.monotonic()

    def on_train_end(self, logs=None):
        """Each worker is on its own again."""
        if self.wishes:
            preemption.let_go()

    @property
    def stopped_together(self) -> bool:
        """Whether SIGTERM ends all workers after one step."""
        return bool(self.wishes) and self.wishes.shared[0]

    def save(self) -> None:
        """Write a checkpoint, unless there is one of this place."""
        if self.place > self.saver.place:
            self.saver.save(*self.place, seconds=self.clock.elapsed())
        self.saved = time.monotonic()

    def _is_due(self):
        return time.monotonic() - self.saved >= self.interval

    def _skip(self, steps):
        """Answer for steps that were done before with the logs so far."""
        train = self.model.train_function
        logs = self.model.get_metrics_result()
        left = iter(range(steps))

        def step(iterator):
            if next(left, None) is not None:
                return logs
            self.model.train_function = train
            return train(iterator)

        self.model.train_function = step
