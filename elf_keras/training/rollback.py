"""What follows a divergence: back to the last checkpoint, once, and slower."""

import keras
import numpy as np

from elf_keras.errors import InputError
from elf_keras.training import checkpoints, watchdogs

# The usual step of a decay.
RATE_FACTOR = 0.1
NOTE = "rollback"


def rate_factor(notes: dict) -> float:
    """Return what the schedule's rates are multiplied by."""
    return notes[NOTE]["rate_factor"] if NOTE in notes else 1.0


def roll_back(
    saver: checkpoints.Checkpoints,
    model: keras.Model,
    epoch: int,
    problem: watchdogs.DivergedError,
) -> list[str]:
    """Restore the last checkpoint and note that it goes on slower.

    The note is written into that checkpoint at once: a run that is stopped
    and resumed goes on as one that was not.

    Args:
      saver: the run's checkpoints.
      model: what diverged.
      epoch: zero-based, in which it did.
      problem: what happened.

    Returns:
      Sentences for the user.

    Raises:
      InputError: with the diagnosis, where it is the second time.
    """
    rate = float(np.asarray(model.optimizer.learning_rate))
    told = f"{problem} of epoch {epoch + 1}, learning rate {rate:g}"
    if NOTE in saver.notes:
        raise InputError(
            f"{told}; it had diverged before: {sentences(saver.notes)[0]}; "
            "lower --learning_rate or look for damaged images, and train "
            "again in a new --workdir"
        )
    # What this process noted may not have been saved yet.
    notes = saver.notes
    problems = saver.restore(model)
    saver.notes = notes
    saver.notes[NOTE] = {
        "problem": told,
        "epochs": saver.place[0],
        "steps": saver.place[1],
        "rate_factor": RATE_FACTOR,
    }
    saver.write_record()
    told = [f"warning: {sentence}" for sentence in sentences(saver.notes)]
    return [*problems, *told]


def sentences(notes: dict) -> list[str]:
    """Tell of the rollback that the notes hold, if they do."""
    if NOTE not in notes:
        return []
    note = notes[NOTE]
    place = checkpoints.shown((note["epochs"], note["steps"]))
    return [
        f"{note['problem']}; went back to the checkpoint of {place} and on at "
        f"{note['rate_factor']:g} times the scheduled rate"
    ]
