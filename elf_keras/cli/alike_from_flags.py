"""From --validation_group=alike to groups of images that are alike."""

import numpy as np
from absl import flags

from elf_keras.cli import command
from elf_keras.data import splits
from elf_keras.errors import InputError

FLAGS = flags.FLAGS
# Above, hours of features would go before the first step.
MOST_IMAGES = 20_000


def groups(examples: splits.Examples) -> np.ndarray | None:
    """Group training images by features of --weights; None where it cannot.

    That is of too many, and where no class has two groups to part.

    Raises:
      InputError: without weights that were trained on something.
    """
    command.load_tensorflow()
    from elf_keras.cli import weights_from_flags
    from elf_keras.training import alike

    if not weights_from_flags.is_published():
        raise InputError(
            f"--validation_group=alike with --weights={FLAGS.weights}: similar "
            "images are found by the features of trained weights; set "
            "--weights=pretrained, or another --validation_group"
        )
    if len(examples) > MOST_IMAGES:
        command.say(
            f"note: {len(examples)} training images are too many to compare "
            f"with each other (more than {MOST_IMAGES}); the validation split "
            "is random, and its scores are too high where photos come in series"
        )
        return None
    network = weights_from_flags.published(examples.images.shape[1:])
    found = alike.groups(alike.features(*network, examples), examples.labels)
    classes = len(np.unique(examples.labels))
    if len(np.unique(found)) == classes < len(examples):
        command.say(
            "note: all training images of each class are alike, as photos of "
            "one series are; the validation split is random, and its scores "
            "are too high: add photos of other days or places"
        )
        return None
    return found
