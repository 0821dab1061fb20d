"""Exits that are trained first, on the features of a backbone that is fixed.

With pretrained weights the features are good from the start, the exits are
not: their gradients would spoil the features. The last exit becomes the
balanced linear probe of the last features; the others are trained by the
objective.
"""

import dataclasses
import time
from collections.abc import Callable

import keras
import numpy as np

from elf_keras.data import splits
from elf_keras.errors import InputError
from elf_keras.models.multi_exit_model import MultiExitModel
from elf_keras.training import held_features, linear_probe, second_stage


@dataclasses.dataclass(frozen=True)
class Record:
    """What the first part of a training did.

    Attributes:
      probe_accuracy: of the linear probe on validation, a mean over classes;
        None without validation.
      probe_strength: inverse weight of its penalty.
      images: whose features were held.
      steps: of the other exits.
      seconds: all of it.
    """

    probe_accuracy: float | None
    probe_strength: float
    images: int
    steps: int
    seconds: float

    @property
    def sentence(self) -> str:
        """What to tell the user: the score that training has to beat."""
        seen = "no validation to score it on"
        if self.probe_accuracy is not None:
            seen = f"{100 * self.probe_accuracy:.1f} % on validation"
        return (
            f"class-balanced linear probe on the features of {self.images} "
            f"images as given: {seen} (mean over classes; {self.seconds:.0f} "
            "s, with the training of the exits)"
        )


def train(
    model: MultiExitModel,
    data: splits.Splits,
    objective: Callable,
    *,
    steps: int,
    seed: int,
    weights: Callable[[np.ndarray], np.ndarray],
    most_images: int | None = None,
) -> Record:
    """Train the exits of a model in place; the backbone stays as it is.

    Args:
      objective: a `CumulativeLoss` in which nobody leaves.
      steps: of `held_features.BATCH` images each, for the early exits.
      weights: labels -> weights of the images in a mean, sum 1.
      most_images: that exits see; by default all that memory holds.

    Raises:
      InputError: for an image file that cannot be decoded; for weights that
        give no numbers.

    Reference: Kumar et al. 2022, *Fine-Tuning can Distort Pretrained Features
    and Underperform Out-of-Distribution* (LP-FT).
    """
    began = time.perf_counter()
    copy = held_features.copy_of(model)
    held = held_features.hold(copy, data.train, seed, most_images)
    probe = _probe(copy, held, data.validation, weights)
    last = second_stage.classifiers(copy)[-1]
    # A cosine classifier has no such weights: it is trained with the others.
    linear = isinstance(last, keras.layers.Dense)
    if linear:
        last.set_weights([probe.kernel, probe.bias])
    trains = len(held.features) > 1 or not linear
    if trains:
        held_features.train_exits(copy, held, objective, steps, seed, last=True)
    model.set_weights(copy.get_weights())
    return Record(
        probe.accuracy,
        probe.strength,
        len(held),
        steps if trains else 0,
        time.perf_counter() - began,
    )


def _probe(model, held, validation, weights):
    seen = None
    if validation is not None:
        found = held_features.pooled(model, validation).astype("float32")
        labels = validation.labels
        seen = found, labels, weights(labels)
    features = held.features[-1].astype("float32")
    if not np.isfinite(features).all():
        raise InputError(
            "the features of the backbone are no numbers: start from other "
            "--weights, or with --mixed_precision=float32"
        )
    return linear_probe.fit(features, held.labels, seen)
