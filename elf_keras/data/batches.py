"""How a training split becomes batches: what stays the same in every epoch."""

import dataclasses

from elf_keras.data import augment
from elf_keras.errors import InputError


@dataclasses.dataclass(frozen=True)
class Batches:
    """Everything that decides what the batches of a training hold."""

    size: int  # examples in a batch, all replicas together
    seed: int  # of order, augmentation and mixing
    augmentation: augment.Augmentation = augment.NOTHING
    sampler: str = "instance"  # key of `samplers.SAMPLERS`
    deferred_epoch: int = 0  # zero-based, from it `deferred` balances classes
    second_sampler: str | None = None  # of a second image, for `BilateralPass`
    most_steps: int | None = None  # of an epoch, where all images are too many
    passes: int = 1  # through the images in an epoch, where they are few

    def steps(self, examples: int) -> int:
        """Steps of an epoch of so many examples; InputError without any."""
        steps = steps_per_epoch(self.passes * examples, self.size)
        return min(steps, self.most_steps or steps)


def steps_per_epoch(examples: int, batch_size: int) -> int:
    """Batches of an epoch, the last maybe partial; InputError without any."""
    if examples < 1 or batch_size < 1:
        raise InputError(
            f"{examples} examples in batches of {batch_size}: expected at "
            "least one of each"
        )
    return -(-examples // batch_size)
