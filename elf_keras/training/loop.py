"""A whole training: resumed, rolled back after a divergence, stopped."""

import contextlib
import dataclasses
import pathlib
from collections.abc import Callable, Sequence

import numpy as np

from elf_keras.distribution import workers
from elf_keras.errors import InputError
from elf_keras.runs import preemption
from elf_keras.training import (
    callbacks,
    checkpoints,
    determinism,
    epoch_run,
    log_clients,
    mid_epoch,
    watchdogs,
)

# What a divergence leaves in the notes of every later checkpoint.
ROLLBACK, PROBLEMS = "rollback", "problems"
# The usual step of a decay.
RATE_FACTOR = 0.1


@dataclasses.dataclass(frozen=True)
class Outcome:
    """What a training leaves behind besides the model.

    Attributes:
      checkpoints: the history, the best epoch and its weights.
      problems: a sentence on each damaged checkpoint that was passed over.
      warnings: a sentence on each thing that went wrong quietly.
      first_place: epochs, and steps of the next one, that were done before
        this process; not (0, 0) when it resumed.
    """

    checkpoints: checkpoints.Checkpoints
    problems: list[str]
    warnings: list[str]
    first_place: tuple[int, int]

    @property
    def history(self) -> list[dict]:
        """One dict of logs per epoch."""
        return self.checkpoints.history

    @property
    def best_epoch(self) -> int | None:
        """Zero-based, by validation; None without validation."""
        best = self.checkpoints.best
        return best["epoch"] if best else None


def fit(
    training: epoch_run.Training,
    folder: pathlib.Path,
    *,
    checkpoint_minutes: float = 0.0,
    report: Callable[[str], None] = lambda line: None,
    clients: Sequence[log_clients.Client] | None = None,
) -> Outcome:
    """Train, from the newest checkpoint where there is one.

    Where the loss diverges, training goes back to the last checkpoint and on
    at a tenth of the rate, once. The model ends with the last epoch's weights,
    their average, where there is one, with the last step's.

    Args:
      folder: the run's; checkpoints go below.
      checkpoint_minutes: between two checkpoints within an epoch; 0 for none.
      report: called with each sentence the user should read.
      clients: what takes the logs; by default TensorBoard, in the folder.

    Raises:
      InputError: where the loss diverges twice, every checkpoint is damaged,
        or an image file cannot be decoded.
      Preempted: on SIGTERM within `preemption.watched`, all steps saved.
    """
    model = training.model
    saver = _begun(training, folder, report)
    first_place = saver.place
    if clients is None:
        clients = [log_clients.tensorboard(folder)]
    while saver.place[0] < training.schedule.epochs:
        clock = callbacks.EpochClock(training.images)
        middle = mid_epoch.MidEpoch(saver, clock, minutes=checkpoint_minutes)
        try:
            slowed = _slowed(training, saver)
            epoch_run.fit(slowed, saver, middle, report, clients)
        except watchdogs.DivergedError as problem:
            _roll_back(model, saver, middle.place[0], problem, report)
        except preemption.Preempted:
            _save_at_once(saver, middle, report)
            raise
    warnings = watchdogs.warnings(saver.history, *watchdogs.leaving(model))
    if ROLLBACK in saver.notes:
        warnings.insert(0, _rollback_told(saver.notes[ROLLBACK]))
    problems = saver.notes.get(PROBLEMS, [])
    return Outcome(saver, problems, warnings, first_place)


def _begun(training, folder, report):
    """Checkpoints that the model was restored from."""
    model = training.model
    with model.distribute_strategy.scope():
        model.optimizer.build(model.trainable_variables)
    validated = training.data.validation is not None
    monitor = "validation_accuracy" if validated else None
    saver = checkpoints.Checkpoints(
        folder / "checkpoints",
        monitor=monitor,
        averaged=training.average and training.average.model,
    )
    _note(saver, saver.restore(model), report)
    with model.distribute_strategy.scope():
        determinism.note_changes(saver.notes, determinism.surroundings())
    if saver.place == (0, 0):
        # What a divergence in the first epoch goes back to.
        try:
            saver.save(0)
        except watchdogs.DivergedError as error:
            raise InputError(
                f"the weights that training begins with are of no use ({error})"
                "; start from other --weights, or where exits were trained "
                "first, with --exits_first=0"
            ) from error
    else:
        report(f"continuing after {checkpoints.shown(saver.place)}")
    return saver


def _note(saver, problems, report):
    """Tell problems, and keep them: another process may write run.json."""
    for problem in problems:
        report(problem)
    if problems:
        saver.notes[PROBLEMS] = [*saver.notes.get(PROBLEMS, []), *problems]


def _save_at_once(saver, middle, report):
    """Save and tell before this process ends, whatever comes meanwhile."""
    preemption.hold()
    # Spoiled weights are not saved; the resumed run meets them again.
    with contextlib.suppress(watchdogs.DivergedError):
        middle.save()
    report(f"saved after {checkpoints.shown(saver.place)}")
    if middle.stopped_together:
        # The one that writes needs the others until it has written.
        workers.leave_together(saver.model.distribute_strategy)


def _slowed(training, saver):
    """The training, at a lower rate where it had diverged."""
    factor = saver.notes.get(ROLLBACK, {"rate_factor": 1.0})["rate_factor"]
    scheduled = training.schedule.learning_rate
    slower = dataclasses.replace(
        training.schedule, learning_rate=lambda epoch: factor * scheduled(epoch)
    )
    return dataclasses.replace(training, schedule=slower)


def _roll_back(model, saver, epoch, problem, report):
    """Restore the last checkpoint, and note there that it goes on slower."""
    rate = float(np.asarray(model.optimizer.learning_rate))
    told = f"{problem} of epoch {epoch + 1}, learning rate {rate:g}"
    if ROLLBACK in saver.notes:
        raise InputError(
            f"{told}; it had diverged before: "
            f"{_rollback_told(saver.notes[ROLLBACK])}; lower --learning_rate "
            "or look for damaged images, and train again in a new --workdir"
        ) from problem
    # What this process noted may not have been saved yet.
    notes = saver.notes
    problems = saver.restore(model)
    note = {
        "problem": told,
        "epochs": saver.place[0],
        "steps": saver.place[1],
        "rate_factor": RATE_FACTOR,
    }
    saver.notes = notes | {ROLLBACK: note}
    _note(saver, problems, report)
    saver.write_record()
    report(f"warning: {_rollback_told(note)}")


def _rollback_told(note):
    place = checkpoints.shown((note["epochs"], note["steps"]))
    return (
        f"{note['problem']}; went back to the checkpoint of {place} and "
        f"continued at {note['rate_factor']:g} times the scheduled rate"
    )
