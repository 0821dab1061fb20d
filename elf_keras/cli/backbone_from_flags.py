"""From --backbone to a name or a model."""

import keras
from absl import flags

from elf_keras import choices
from elf_keras.cli import command
from elf_keras.models.backbones import given, given_file

FLAGS = flags.FLAGS


def backbone(image_shape) -> str | keras.Model:
    """Return what --backbone names; of a file the model, with notes on it.

    Raises:
      InputError: for a file that is no backbone, or of other images.
    """
    if not is_file():
        return FLAGS.backbone
    told = f"--backbone={FLAGS.backbone}"
    model = given_file.load(FLAGS.backbone)
    given.check(model, image_shape, told)
    for note in given.notes(model):
        command.say(f"note: {told}: {note}")
    return model


def is_file() -> bool:
    """Whether it is any Keras model, which normalizes pixels by itself."""
    return FLAGS.backbone.endswith(choices.KERAS_FILE)


def taps_are_found() -> bool:
    """Whether its taps are those of a rule or a user, not fixed ones."""
    return FLAGS.backbone not in choices.BACKBONES or bool(FLAGS.taps)
