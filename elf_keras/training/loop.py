"""A whole training: resumed, rolled back, stopped; no flags."""

import contextlib
import dataclasses
import pathlib
from collections.abc import Callable

import keras
import numpy as np

from elf_keras.data import splits
from elf_keras.data.batches import Batches
from elf_keras.distribution import workers
from elf_keras.runs import preemption
from elf_keras.training import (
    callbacks,
    checkpoints,
    determinism,
    epoch_run,
    mid_epoch,
    rollback,
    watchdogs,
)


@dataclasses.dataclass(frozen=True)
class Outcome:
    """What a training leaves behind besides the model.

    Attributes:
      history: one dict of logs per epoch.
      best_epoch: zero-based, by validation; None without validation.
      problems: a sentence on each damaged checkpoint that was passed over.
      warnings: a sentence on each thing that went wrong quietly.
      first_place: epochs, and steps of the next one, that were done before
        this process; not (0, 0) when it resumed.
      checkpoints: the callback that holds the best weights.
    """

    history: list[dict]
    best_epoch: int | None
    problems: list[str]
    warnings: list[str]
    first_place: tuple[int, int]
    checkpoints: checkpoints.Checkpoints


def fit(
    model: keras.Model,
    data: splits.Splits,
    *,
    schedule: epoch_run.Schedule,
    batches: Batches,
    folder: pathlib.Path,
    prior: np.ndarray | None = None,
    exit_weights: np.ndarray | None = None,
    checkpoint_minutes: float = 0.0,
    report: Callable[[str], None] = lambda line: None,
) -> Outcome:
    """Train a compiled model, from its newest checkpoint where there is one.

    Where the loss diverges, training goes back to the last checkpoint and on
    at a tenth of the rate, once.

    Args:
      model: compiled with an optimizer and a `CumulativeLoss`.
      data: the splits; without validation no epoch is the best.
      schedule: what changes with the epoch.
      batches: how the training split becomes batches.
      folder: the run's folder; checkpoints and TensorBoard logs go below.
      prior: class shares in deployment, by which the best epoch is chosen;
        None for uniform.
      exit_weights: α, `(exits,)`, where the exits' summed scores answer, by
        which the best epoch is chosen then; None where the last exit does.
      checkpoint_minutes: between two checkpoints within an epoch; 0 for none.
      report: called with each sentence the user should read.

    Returns:
      The outcome; the model holds the last epoch's weights.

    Raises:
      InputError: where the loss diverges twice, every checkpoint is damaged,
        or an image file cannot be decoded.
      Preempted: on SIGTERM within `preemption.watched`, all steps saved.
    """
    with model.distribute_strategy.scope():
        model.optimizer.build(model.trainable_variables)
    monitor = None if data.validation is None else "validation_accuracy"
    saver = checkpoints.Checkpoints(folder / "checkpoints", monitor=monitor)
    problems = saver.restore(model)
    for problem in problems:
        report(problem)
    first_place = saver.place
    with model.distribute_strategy.scope():
        determinism.note_changes(saver.notes, determinism.surroundings())
    if first_place == (0, 0):
        # What a divergence in the first epoch goes back to.
        saver.save(0)
    else:
        report(f"going on after {checkpoints.shown(first_place)}")
    while saver.place[0] < schedule.epochs:
        clock = callbacks.EpochClock(len(data.train))
        middle = mid_epoch.MidEpoch(saver, clock, minutes=checkpoint_minutes)
        chosen = [clock, watchdogs.StopOnDivergence(), middle]
        chosen += epoch_run.callbacks_of(
            model,
            data,
            schedule,
            saver,
            report,
            prior=prior,
            exit_weights=exit_weights,
        )
        try:
            epoch_run.fit_from(
                saver.place, model, data, schedule, batches, chosen
            )
        except watchdogs.DivergedError as problem:
            epoch = middle.place[0]
            for line in rollback.roll_back(saver, model, epoch, problem):
                report(line)
        except preemption.Preempted:
            # Saved and told before this ends, whatever comes meanwhile.
            preemption.hold()
            # Spoiled weights are not saved; the resumed run meets them again.
            with contextlib.suppress(watchdogs.DivergedError):
                middle.save()
            report(f"saved after {checkpoints.shown(saver.place)}")
            if middle.stopped_together:
                # The one that writes needs the others until it has written.
                workers.leave_together(model.distribute_strategy)
            raise
    return Outcome(
        history=saver.history,
        best_epoch=saver.best["epoch"] if saver.best else None,
        problems=problems,
        warnings=[
            *rollback.sentences(saver.notes),
            *watchdogs.warnings(saver.history, *epoch_run.leaving(model)),
        ],
        first_place=first_place,
        checkpoints=saver,
    )
