"""From --most_minutes to how much of a training fits, by the speed here."""

import dataclasses
import math

import keras
from absl import flags

from elf_keras import models
from elf_keras.cli import command, model_from_flags, schedule_from_flags
from elf_keras.data import splits
from elf_keras.errors import InputError
from elf_keras.models import multi_exit_model
from elf_keras.runs import progress
from elf_keras.training import (
    dry_run,
    exits_cost,
    held_features,
    time_limit,
)

FLAGS = flags.FLAGS


def cost(model: keras.Model, data: splits.Splits) -> exits_cost.Cost:
    """Time the exits alone here, if they are trained alone.

    The model stays as it is.
    """
    if not (FLAGS.exits_first or last_steps(model)):
        return exits_cost.FREE
    objective = model_from_flags.cumulative_loss(data, leaving=False)
    return exits_cost.measure(model, data, objective)


def speed(model: keras.Model, data: splits.Splits) -> dry_run.Speed:
    """Time training on one device here, by a copy of the model."""
    copy = multi_exit_model.MultiExitModel.from_config(model.get_config())
    model_from_flags.compiled(copy, data)
    batches = schedule_from_flags.batches(data)
    return dry_run.measure(copy, data, batches, seconds=2.0)


def last_steps(model: keras.Model) -> int:
    """Steps of the early exits after the epochs, 0 where there are none."""
    return FLAGS.exits_last if models.exits(model) > 1 else 0


def limit(
    model: keras.Model, data: splits.Splits, found: exits_cost.Cost
) -> time_limit.TimeLimit:
    """Return the limit that the flags set, infinite without --most_minutes.

    Args:
      found: what the exits alone cost.

    Raises:
      InputError: for a limit of time in a training that must repeat.
    """
    if FLAGS.most_minutes and FLAGS.deterministic:
        raise InputError(
            f"--most_minutes={FLAGS.most_minutes:g} with --deterministic: the "
            "number of epochs would depend on the speed of the machine; give "
            "--epochs and --most_minutes=0"
        )
    images = len(data.train)
    if found is not exits_cost.FREE:
        images = min(images, held_features.most_images(model))
    return time_limit.TimeLimit(
        60 * FLAGS.most_minutes or math.inf,
        images,
        validation=len(data.validation or ()),
        first_steps=FLAGS.exits_first,
        last_steps=last_steps(model),
        cost=found,
    )


def length(
    limited: time_limit.TimeLimit,
    found: dry_run.Speed,
    spent: float,
    data: splits.Splits,
) -> time_limit.Length:
    """Return the length of the training, and say what does not fit.

    Args:
      found: speed of training.
      spent: seconds before the first epoch.
    """
    wished = schedule_from_flags.whole_length(data)
    fitting = dataclasses.replace(
        limited.length(found, wished.epochs, spent), passes=wished.passes
    )
    if fitting != wished:
        one = progress.duration(found.epoch_seconds)
        command.say(
            f"note: {_shown(wished)} do not fit into --most_minutes="
            f"{FLAGS.most_minutes:g} here, where an epoch takes {one}: "
            f"training has {_shown(fitting)}; more minutes give more"
        )
    return fitting


def _shown(length):
    ends = ["" if n == 1 else "s" for n in (length.epochs, length.steps)]
    return f"{length.epochs} epoch{ends[0]} of {length.steps} step{ends[1]}"
