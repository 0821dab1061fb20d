"""From flags to all that decides what a model learns, and how it is scored."""

import keras
import tensorflow as tf

from elf_keras import models
from elf_keras.cli import (
    augmentation_from_flags,
    average_from_flags,
    correction_from_flags,
    model_from_flags,
    schedule_from_flags,
)
from elf_keras.data import splits
from elf_keras.training import epoch_run, time_limit


def model(data: splits.Splits, strategy: tf.distribute.Strategy) -> keras.Model:
    """Build and compile the model on a strategy's devices."""
    with strategy.scope():
        return model_from_flags.compiled(model_from_flags.model(data), data)


def check(model: keras.Model, data: splits.Splits) -> None:
    """Find what is wrong with the flags before anything is trained.

    Raises:
      InputError: for what `training` would refuse, exits first or not.
    """
    schedule_from_flags.schedule(data)
    augmentation_from_flags.augmentation(data)
    correction_from_flags.correction(data, models.exits(model))


def training(
    model: keras.Model,
    data: splits.Splits,
    length: time_limit.Length | None = None,
    watched: splits.Examples | None = None,
) -> epoch_run.Training:
    """Put it together for a compiled model.

    Args:
      length: by default that of the flags without a limit of time.
      watched: validation images to look at meanwhile, by default all.
    """
    length = length or schedule_from_flags.whole_length(data)
    return epoch_run.Training(
        model,
        data,
        model_from_flags.scorer(model, data),
        schedule_from_flags.schedule(data, length),
        schedule_from_flags.batches(data, length),
        average_from_flags.average(model),
        correction_from_flags.correction(data, models.exits(model)),
        watched,
    )
