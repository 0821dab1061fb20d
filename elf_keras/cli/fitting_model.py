"""A saved model, for data that must be of its image size and its classes."""

import pathlib

from elf_keras import models
from elf_keras.data import splits
from elf_keras.errors import InputError

OF_RUN = (
    "leave --image_size out, and --magnification_limit, and name the run's own "
    "data by --data_dir"
)


def load(
    path: pathlib.Path | str, data: splits.Splits, *, remedy: str = OF_RUN
) -> models.MultiExitModel:
    """Load a model.

    Raises:
      InputError: with `remedy`, where it is of other images or classes.
    """
    model = models.load(path)
    ours = *model.inputs[0].shape[1:], model.outputs[0].shape[-1]
    theirs = *data.image_shape, len(data.class_names)
    if ours != theirs:
        raise InputError(
            f"{path} is a model of {_told(*ours)}, the data have "
            f"{_told(*theirs)}; {remedy}"
        )
    return model


def _told(height, width, channels, classes):
    return f"{height} x {width} x {channels} images and {classes} classes"
