"""How a training split becomes batches: what stays the same in every epoch."""

import dataclasses

from elf_keras.data import augment


@dataclasses.dataclass(frozen=True)
class Batches:
    """Everything that decides what the batches of a training hold."""

    size: int  # examples in a batch, all replicas together
    seed: int  # of order, augmentation and mixing
    augmentation: augment.Augmentation = augment.NOTHING
    sampler: str = "instance"  # key of `samplers.SAMPLERS`
    deferred_epoch: int = 0  # zero-based, from it `deferred` balances classes
    second_sampler: str | None = None  # of a second image, for `BilateralPass`
