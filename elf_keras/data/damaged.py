"""Images that turn out to be damaged when they are decoded.

They were whole by header and end. A training of days does not end for one of
them: it is shown as a black image, and the user is told.
"""

import os
import pathlib

import numpy as np

from elf_keras import runs
from elf_keras.data import images
from elf_keras.errors import InputError

_BLACK = np.zeros((1, 1, 3), np.uint8)


class Damaged:
    """Files below a folder that were found to be damaged, and why.

    Attributes:
      reasons: name, relative to the folder and legible -> reason.
    """

    def __init__(self, root: pathlib.Path):
        self.root = root
        self.reasons = {}

    def upright(self, path: bytes) -> np.ndarray:
        """As `images.upright`, but black where the image is damaged.

        Raises:
          InputError: where the system cannot read the file; that says
            nothing of the image.
        """
        file = os.fsdecode(path)
        name = runs.legible(os.path.relpath(file, self.root))
        try:
            return images.upright(file)
        except MemoryError:
            raise
        except Exception as error:  # Pillow's decoders raise many types
            if isinstance(error, OSError) and error.errno:
                raise InputError(
                    f"{runs.legible(file)}: {error.strerror}; this image "
                    "could be read before: mend the disk or put it back"
                ) from error
            self.reasons[name] = images.reason_of(error)
            return _BLACK
