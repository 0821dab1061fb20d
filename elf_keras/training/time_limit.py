"""The minutes that a training may take, shared out to its parts.

The exits alone, before the epochs and after them, get a quarter of the time
each at most, and see as many images as that allows. The epochs get what is
left: fewer of them, or one that shows a part of the images.
"""

import dataclasses
import math

import numpy as np

from elf_keras.data import long_tail, splits
from elf_keras.training.dry_run import Speed
from elf_keras.training.exits_cost import Cost

# Of the time, at most, for the exits alone before and after the epochs.
PART = 0.25


@dataclasses.dataclass(frozen=True)
class Length:
    """How long the epochs of a training are.

    Attributes:
      epochs: their number, 1 or more.
      images: training images that an epoch shows.
    """

    epochs: int
    images: int

    def shown(self, examples: splits.Examples, seed: int) -> splits.Examples:
        """All of the examples, or of every class the same share, at least 1."""
        if self.images >= len(examples):
            return examples
        counts = np.bincount(examples.labels)
        kept = np.ceil(counts * (self.images / len(examples))).astype(int)
        return examples.take(long_tail.subsample(examples.labels, kept, seed))


@dataclasses.dataclass(frozen=True)
class TimeLimit:
    """A limit, and what the exits alone cost.

    Attributes:
      seconds: for all parts of the training, or infinity.
      images: of the training split that exits can see, by memory.
      validation: its images.
      first, last: steps of the exits before and after the epochs.
      cost: of them.
    """

    seconds: float
    images: int
    validation: int
    first: int
    last: int
    cost: Cost

    @property
    def first_images(self) -> int:
        """Images that exits see first; validation is scored once."""
        return self._images(self.first, self.validation)

    @property
    def last_images(self) -> int:
        """Images that exits see last; validation is scored before and after."""
        return self._images(self.last, 2 * self.validation)

    @property
    def first_seconds(self) -> float:
        """Estimate of the exits before the epochs, 0 without."""
        if not self.first:
            return 0.0
        seen = self.first_images + self.validation
        return self.cost.seconds(seen, self.first)

    @property
    def last_seconds(self) -> float:
        """Estimate of the exits after the epochs, 0 without."""
        if not self.last:
            return 0.0
        seen = self.last_images + 2 * self.validation
        return self.cost.seconds(seen, self.last)

    def length(self, speed: Speed, wished: int, spent: float) -> Length:
        """Return the epochs that fit, of which every one is validated.

        Args:
          speed: of training, as measured.
          wished: epochs, 1 or more, where there is time.
          spent: seconds before the first epoch.
        """
        left = self.seconds - spent - self.last_seconds
        scored = self.validation * self.cost.image
        fitting = left / (speed.epoch_seconds + scored)
        if fitting >= 1:
            return Length(int(min(wished, fitting)), speed.images)
        share = max(0.0, (left - scored) / speed.epoch_seconds)
        steps = max(1, math.floor(share * speed.images / speed.batch))
        return Length(1, min(speed.images, steps * speed.batch))

    def _images(self, steps, scored):
        time = PART * self.seconds - scored * self.cost.image
        return int(min(self.images, self.cost.images_within(time, steps)))
