"""From flags to what comes before the first epoch and after the last."""

import dataclasses
import time
from collections.abc import Callable

import keras
import numpy as np
from absl import flags

from elf_keras import runs
from elf_keras.cli import (
    command,
    limit_from_flags,
    model_from_flags,
    schedule_from_flags,
    watched_from_flags,
    workdir,
)
from elf_keras.data import splits
from elf_keras.data.batches import steps_per_epoch
from elf_keras.distribution import workers
from elf_keras.errors import InputError
from elf_keras.losses import objective
from elf_keras.training import (
    epoch_run,
    exits_cost,
    exits_first,
    exits_last,
    first_weights,
    held_features,
    time_limit,
)

FLAGS = flags.FLAGS
KEY = "start"


@dataclasses.dataclass(frozen=True)
class Start:
    """What was decided before the first epoch.

    Attributes:
      length: of the training.
      exits_last: how long the exits are trained after the epochs.
      exits_first: an `exits_first.Record` as a dict, or None.
      watched: validation images that are scored while training goes on.
      fresh: whether it was done just now, not in the run that goes on.
    """

    length: time_limit.Length
    exits_last: time_limit.Alone
    exits_first: dict | None
    watched: splits.Examples | None
    fresh: bool

    @property
    def record(self) -> dict:
        """What run.json keeps of it."""
        return {
            "epochs": self.length.epochs,
            "steps": self.length.steps,
            "passes": self.length.passes,
            "exits_last": dataclasses.asdict(self.exits_last),
            "exits_first": self.exits_first,
            "validation_images": len(self.watched or ()),
        }


def begin(model: keras.Model, data: splits.Splits, started: float) -> Start:
    """Train the exits first, and settle the length of the training.

    A run that goes on has done so: what it recorded holds.

    Args:
      started: when the command began, in seconds since 1970: --most_minutes
        counts from then on.
    """
    done = _recorded(model, data)
    if done:
        return done
    _refuse_unfit()
    cost = exits_cost.FREE
    if FLAGS.most_minutes:
        cost = limit_from_flags.cost(model, data)
    limit = limit_from_flags.limit(model, data, cost)
    first, last = (
        time_limit.Alone(*_agreed(model, alone.steps, alone.images))
        for alone in (limit.first, limit.last)
    )
    watched = watched_from_flags.some(data, *_agreed(model, limit.scored))
    if workers.is_chief(model.distribute_strategy):
        watched_from_flags.say(watched, data)
    part = dataclasses.replace(data, validation=watched)
    record = _exits_first(model, part, first) if first.steps else None
    length = schedule_from_flags.whole_length(data)
    if FLAGS.most_minutes:
        speed = limit_from_flags.speed(model, data)
        spent = time.time() - started
        length = limit_from_flags.length(limit, speed, spent, data)
    agreed = _agreed(model, length.epochs, length.steps, length.passes)
    length = time_limit.Length(*agreed)
    return Start(length, last, record, watched, fresh=True)


def end(
    training: epoch_run.Training, start: Start, say: Callable
) -> dict | None:
    """Train the early exits once more where --exits_last asks for it.

    In place, of the model that is scored; `say` is called with the outcome.
    Returns what run.json keeps of it, an `exits_last.Record` as a dict.
    """
    model, data = training.scored, training.data
    if not start.exits_last.steps:
        return None
    record = exits_last.train(
        model,
        dataclasses.replace(data, validation=start.watched),
        _objective(model, data, start.exits_last, training.schedule, -1),
        training.scorer,
        steps=start.exits_last.steps,
        seed=FLAGS.seed,
        most_images=start.exits_last.images,
    )
    _share(model)
    # Of a tie, workers may say different things; their scores must not.
    (kept,) = _agreed(model, record.kept)
    record = dataclasses.replace(record, kept=bool(kept))
    say(record.sentence)
    return dataclasses.asdict(record)


def _recorded(model, data):
    """What run.json of a run that goes on says, if its training began."""
    folder = workdir.workdir() if FLAGS.resume and FLAGS.workdir else None
    if folder is None or not [*(folder / "checkpoints").glob("epoch_*.json")]:
        return None
    path = folder / runs.RECORD
    found = runs.read_json(path).get(KEY) if path.exists() else None
    if found is None:
        return None
    with runs.refusing(f"{path} is damaged", "train again in a new --workdir"):
        # Once --most_minutes was a limit of whole epochs alone, of one pass.
        whole = steps_per_epoch(len(data.train), FLAGS.batch_size)
        steps, passes = found.get("steps", whole), found.get("passes", 1)
        last = limit_from_flags.last_steps(model), len(data.train)
        if "exits_last" in found:
            last = found["exits_last"]["steps"], found["exits_last"]["images"]
        length = time_limit.Length(
            int(found["epochs"]), int(steps), int(passes)
        )
        last = time_limit.Alone(*map(int, last))
        images = found.get("validation_images", len(data.validation or ()))
        watched = watched_from_flags.some(data, int(images))
        if found["exits_first"]:
            first_weights.check(folder)
        return Start(length, last, found["exits_first"], watched, fresh=False)


def _agreed(model, *numbers):
    """Whole numbers, as the chief has them: workers differ in speed."""
    found = workers.of_chief(model.distribute_strategy, np.array(numbers))
    return [int(number) for number in found]


def _exits_first(model, data, alone):
    scorer = model_from_flags.scorer(model, data)
    record = exits_first.train(
        model,
        data,
        _objective(model, data, alone, schedule_from_flags.schedule(data), 0),
        steps=alone.steps,
        seed=FLAGS.seed,
        weights=scorer.weights,
        most_images=alone.images,
    )
    _share(model)
    if workers.is_chief(model.distribute_strategy):
        command.say(record.sentence)
    return dataclasses.asdict(record)


def _objective(model, data, alone, schedule, epoch):
    """By what exits alone learn: with class weights where they see all images.

    Of a part, rare classes are whole: it is balanced already. Priors are of the
    images that they see.
    """
    weights = objective.unit_weights(len(data.class_names))
    seen = held_features.part(model, data.train, FLAGS.seed, alone.images)
    if len(seen) == len(data.train):
        weights.assign(schedule.weights(range(schedule.epochs)[epoch]))
    return model_from_flags.cumulative_loss(
        dataclasses.replace(data, train=seen), leaving=False, weights=weights
    )


def _refuse_unfit():
    """Refuse exits alone with what has trained exits, or none of its own."""
    for name in ("exits_first", "exits_last"):
        given = f"--{name}={FLAGS[name].value}"
        if FLAGS[name].value and FLAGS.second_stage != "none":
            raise InputError(
                f"{given} with --second_stage={FLAGS.second_stage}, which "
                f"starts from trained exits: set --{name}=0, or leave the "
                "stage out"
            )
        if FLAGS[name].value and FLAGS.method == "summed":
            raise InputError(
                f"{given} trains each exit for itself, but --method=summed "
                f"answers by the sum of all: set --{name}=0, or another "
                "--method"
            )


def _share(model):
    """Give every worker the chief's weights: rounding may differ."""
    model.set_weights(_of_chief(model.distribute_strategy, model.get_weights()))


def _of_chief(strategy, arrays):
    ends = np.cumsum([array.size for array in arrays])[:-1]
    flat = np.concatenate([array.ravel() for array in arrays])
    parts = np.split(workers.of_chief(strategy, flat), ends)
    pairs = zip(parts, arrays, strict=True)
    return [part.reshape(array.shape) for part, array in pairs]
