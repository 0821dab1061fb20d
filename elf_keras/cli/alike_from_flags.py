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

    That is of too many, and where few classes have two groups to part: what is
    chosen on validation would be chosen for these alone.

    Raises:
      InputError: without weights that were trained on something.
    """
    command.load_tensorflow()
    from elf_keras.cli import weights_from_flags
    from elf_keras.training import alike

    if not weights_from_flags.is_published():
        raise InputError(
            f"--validation_group=alike with --weights={FLAGS.weights}: similar "
            "images are found by the features of a published backbone; set "
            "--backbone=efficientnet_lite0 --weights=pretrained, or "
            "--validation_group= for a random split (also prefix:_)"
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
    several, parted = _classes(found, examples.labels)
    if several and parted < max(min(several, 2), several / 2):
        command.say(
            f"note: in {several - parted} of {several} classes all training "
            "images are alike, as photos of one series are; the validation "
            "split is random, and its scores are too high: add photos of other "
            "days or places"
        )
        return None
    return found


def _classes(groups, labels):
    """How many classes have several images, and how many several groups."""
    found = [
        (
            int((labels == number).sum()),
            len(np.unique(groups[labels == number])),
        )
        for number in np.unique(labels)
    ]
    images, groups = np.transpose(found)
    return int((images > 1).sum()), int((groups > 1).sum())
