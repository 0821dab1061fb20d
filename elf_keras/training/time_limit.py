"""The minutes that a training may take, shared out to its parts.

The exits alone, before the epochs and after them, get a quarter of the time
each at most: where it is too short for all, they see fewer images in fewer
steps. The epochs get what is left: there are fewer of them, of fewer steps.
Where validation has many images, training looks at some of them, as long as
what an image costs is known: where exits are trained alone.
"""

import dataclasses
import math

from elf_keras.training.dry_run import Speed
from elf_keras.training.exits_cost import Cost

# Of the time, at most, for the exits alone before and after the epochs.
PART = 0.25
# Of the time, at most, to score validation once while training goes on.
_SCORED = 0.03
# Images that the exits see, and that are scored, in any case.
_LEAST = 500


@dataclasses.dataclass(frozen=True)
class Length:
    """How long the epochs of a training are.

    Attributes:
      epochs: their number, 1 or more.
      steps: of each, 1 or more.
      passes: of each through the images, 1 but where they are few.
    """

    epochs: int
    steps: int
    passes: int = 1


@dataclasses.dataclass(frozen=True)
class Alone:
    """How long the exits are trained alone.

    Attributes:
      steps: of them, 0 or more.
      images: training images whose features they see, at most.
    """

    steps: int
    images: int


@dataclasses.dataclass(frozen=True)
class TimeLimit:
    """A limit, and what the exits alone cost.

    Attributes:
      seconds: for all parts of the training, or infinity.
      images: of the training split that exits can see, by memory.
      validation: its images, all of them.
      first_steps, last_steps: of the exits before and after the epochs, where
        there is time; 0 for none.
      cost: of them.
    """

    seconds: float
    images: int
    validation: int
    first_steps: int
    last_steps: int
    cost: Cost

    @property
    def scored(self) -> int:
        """Validation images that are scored while training goes on."""
        if not self.cost.image or self.seconds == math.inf:
            return self.validation
        fitting = int(_SCORED * self.seconds / self.cost.image)
        return min(self.validation, max(_LEAST, fitting))

    @property
    def first(self) -> Alone:
        """The exits before the epochs; validation is scored once."""
        return self._alone(self.first_steps, self.scored)

    @property
    def last(self) -> Alone:
        """The exits after the epochs; validation is scored before and after."""
        return self._alone(self.last_steps, 2 * self.scored)

    @property
    def first_seconds(self) -> float:
        """Estimate of the exits before the epochs, 0 without."""
        return self._seconds(self.first, self.scored)

    @property
    def last_seconds(self) -> float:
        """Estimate of the exits after the epochs, 0 without."""
        return self._seconds(self.last, 2 * self.scored)

    def length(self, speed: Speed, wished: int, spent: float) -> Length:
        """Return the length that fits; every epoch is validated.

        Where not all fits, epochs are as few as can be and end early.

        Args:
          speed: of training, as measured.
          wished: epochs, 1 or more, where there is time.
          spent: seconds before the first epoch.
        """
        left = self.seconds - spent - self.last_seconds
        scored = self.scored * self.cost.image
        fitting = left / (speed.epoch_seconds + scored)
        if fitting >= wished:
            return Length(wished, speed.steps)
        epochs = max(1, math.ceil(fitting))
        share = (left / epochs - scored) / speed.epoch_seconds
        return Length(epochs, max(1, int(share * speed.steps)))

    def _alone(self, steps, scored):
        """All images and steps, or of both the share that fits."""
        left = PART * self.seconds - self.cost.seconds(scored, 0)
        whole = self.cost.seconds(self.images, steps)
        share = min(1.0, max(0.0, left) / whole) if whole else 1.0
        images = max(int(share * self.images), min(self.images, _LEAST))
        return Alone(min(steps, max(1, int(share * steps))), images)

    def _seconds(self, alone, scored):
        if not alone.steps:
            return 0.0
        return self.cost.seconds(alone.images + scored, alone.steps)
