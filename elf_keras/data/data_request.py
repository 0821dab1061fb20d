"""What is asked of a data source, and what a run recorded of its data."""

import dataclasses
import pathlib
from collections.abc import Callable

import numpy as np

from elf_keras.errors import InputError


@dataclasses.dataclass(frozen=True, eq=False)
class Recorded:
    """What a run knows of its data, and another loading of them must respect.

    Examples go by their legible names, in the run's order.

    Attributes:
      class_names: in the run's order; where that was lost, as they come.
      class_counts: in training, before the validation cut; None if unknown.
      split_of: name of an example -> train, validation or test; empty where
        a run has no such record.
      class_of: name of an example -> name of its class.
      ordered: whether `class_names` has the run's order.
      whole: every example must be there, and no other is taken: to train on.
      notes: that its training said of the data.
      image_size: pixels of a side, None if unknown.
    """

    class_names: tuple[str, ...]
    class_counts: np.ndarray | None
    split_of: dict[str, str]
    class_of: dict[str, str]
    ordered: bool = True
    whole: bool = False
    notes: tuple[str, ...] = ()
    image_size: int | None = None

    @property
    def without_examples(self) -> "Recorded":
        """The classes alone, of a run that others start from."""
        return Recorded(self.class_names, None, {}, {}, self.ordered)


@dataclasses.dataclass(frozen=True, eq=False)
class Request:
    """What the user asks of a source; a source ignores what it has not."""

    data_dir: pathlib.Path | None = None  # for CIFAR, of TensorFlow Datasets
    imbalance: float = 100.0  # largest class over smallest, 1 or more
    validation_fraction: float = 0.1  # cut of each class, in [0, 1)
    # Of a folder: images that stay on one side, see `assembly.group_names`;
    # or what finds their groups, given the training `Examples`.
    validation_group: str | Callable | None = None
    seed: int = 0  # of the choice of images and of the cut
    image_size: int | None = None  # pixels, square; None for the source's own
    # Of a folder: times that small images are magnified, 1 or more.
    magnification_limit: float | None = None
    list_dir: pathlib.Path | None = None  # of lists; None for the data folder
    check_counts: bool = True  # compare lists with the published numbers
    images_on: str = "auto"  # `memory`, `disk`, `auto`, see `folder.load`
    recorded: Recorded | None = None  # of the run that the data are for
    # A table of a folder's labels, see `label_table`.
    labels: pathlib.Path | None = None

    def folder(self, expected: str) -> pathlib.Path:
        """The data folder, of a source that cannot do without.

        Raises:
          InputError: where none is given or there; it says what is expected.
        """
        root = self.data_dir
        if root is not None and root.is_dir():
            return root
        told = f"data folder {root}: no such folder" if root else "no data"
        raise InputError(f"{told}; give --data_dir with {expected}")
