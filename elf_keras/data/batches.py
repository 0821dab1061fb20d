"""How a training split becomes batches: what stays the same in every epoch."""

import dataclasses

from elf_keras.data import augment


@dataclasses.dataclass(frozen=True)
class Batches:
    """Everything that decides what the batches of a training hold.

    Attributes:
      size: examples in a batch, all replicas together.
      seed: of order, augmentation and mixing.
      augmentation: what may happen to an image.
      sampler: key of `samplers.SAMPLERS`.
      deferred_epoch: zero-based, from which `deferred` balances classes.
      second_sampler: of a second image beside each, for a `BilateralPass`.
    """

    size: int
    seed: int
    augmentation: augment.Augmentation = augment.NOTHING
    sampler: str = "instance"
    deferred_epoch: int = 0
    second_sampler: str | None = None
