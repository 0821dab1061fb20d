"""Three classes of six images, as flags are turned into objects for."""

import numpy as np

from elf_keras.data import splits

COUNTS = np.array([150, 40, 5])


def made(side=8, channels=1):
    """A channel each of its own mean; the second one never changes."""
    random = np.random.default_rng(0)
    images = random.integers(256, size=(6, side, side, channels))
    images[..., 1:2] = 77
    labels = np.repeat(np.arange(3), (3, 2, 1)).astype("int32")
    part = splits.Examples(images.astype("uint8"), labels, ("",) * 6)
    return splits.Splits(part, None, part, ("a", "b", "c"), COUNTS)
