"""The early exits, trained once more on the backbone that training leaves.

Augmented and mixed images, and rates that fall late, leave exits whose weights
and batch statistics are not those of the images in use: in a trial with photos
two epochs took 40 points from the first exit, and these steps brought back 44.
The last exit stays as it is.

Reference: Touvron et al. 2019, *Fixing the train-test resolution discrepancy*:
classifier and statistics are tuned last, on images as they come in use.
"""

import dataclasses
import time
from collections.abc import Callable

from elf_keras.data import splits
from elf_keras.evaluation import answers
from elf_keras.evaluation.scorer import Scorer
from elf_keras.models.multi_exit_model import MultiExitModel
from elf_keras.training import held_features


@dataclasses.dataclass(frozen=True)
class Record:
    """What the last part of a training did.

    Attributes:
      before: accuracy on validation, a mean over classes and exits; None
        without validation.
      after: likewise, with exits trained once more.
      kept: whether the model has those exits.
      images: whose features were held.
      seconds: all of it.
    """

    before: float | None
    after: float | None
    kept: bool
    images: int
    seconds: float

    @property
    def sentence(self) -> str:
        """What to tell the user."""
        if self.before is None:
            return f"early exits trained once more ({self.seconds:.0f} s)"
        kept = "" if self.kept else "; not kept"
        return (
            "early exits trained once more: mean of exits "
            f"{100 * self.before:.1f} → {100 * self.after:.1f} % on validation "
            f"({self.seconds:.0f} s){kept}"
        )


def train(
    model: MultiExitModel,
    data: splits.Splits,
    objective: Callable,
    scorer: Scorer,
    *,
    steps: int,
    seed: int,
    most_images: int | None = None,
) -> Record:
    """Train them in place; where validation is worse for it, change nothing.

    Args:
      objective: a `CumulativeLoss` in which nobody leaves.
      scorer: weighs the classes, and says how the model answers.
      steps: of `held_features.BATCH` images each.
      most_images: that exits see; by default all that memory holds.

    Raises:
      InputError: for an image file that cannot be decoded.
    """
    began = time.perf_counter()
    copy = held_features.copy_of(model)
    before = _mean_accuracy(copy, data.validation, scorer)
    held = held_features.hold(copy, data.train, seed, most_images)
    held_features.train_exits(copy, held, objective, steps, seed, last=False)
    after = _mean_accuracy(copy, data.validation, scorer)
    kept = before is None or after >= before
    if kept:
        model.set_weights(copy.get_weights())
    seconds = time.perf_counter() - began
    return Record(before, after, kept, len(held), seconds)


def _mean_accuracy(model, examples, scorer):
    """Of what every exit answers, a mean over classes and exits."""
    if examples is None:
        return None
    found = answers.collect(model, examples, scorer.rule)
    weights = scorer.weights(examples.labels)
    return float((weights @ found.correct).mean())
