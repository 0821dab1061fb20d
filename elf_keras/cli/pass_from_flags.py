"""From flags to what a training step calls instead of the model, if anything.

Some methods train otherwise than by the model's own answers to a batch.
"""

from collections.abc import Callable

import keras
from absl import flags

from elf_keras import choices, models
from elf_keras.errors import InputError
from elf_keras.losses.objective import CumulativeLoss
from elf_keras.models import bilateral, removing
from elf_keras.training import manifold_mixup, resized_pass

FLAGS = flags.FLAGS


def training_pass(
    built: keras.Model, objective: CumulativeLoss
) -> Callable | None:
    """Return the pass of --method, --mixing, --leaving and --training_size.

    Raises:
      InputError: where two of them do not go together.
    """
    other, size = _of_method(built, objective), FLAGS.training_size
    if size is None or size >= built.input_shape[1]:
        return other
    if other:
        raise InputError(
            f"--training_size={size} does not go with --leaving=removed, "
            f"--method=bbn or --mixing={choices.MANIFOLD_MIXUP}; leave it out"
        )
    return resized_pass.ResizedPass(built, size)


def _of_method(built, objective):
    if FLAGS.leaving == "removed":
        return _removing(built, objective)
    if FLAGS.method == "bbn":
        if FLAGS.mixing != "none":
            raise InputError(
                f"--mixing={FLAGS.mixing} with --method=bbn, which already "
                "mixes two samplers; set --mixing=none"
            )
        return bilateral.BilateralPass(built)
    if FLAGS.mixing == choices.MANIFOLD_MIXUP:
        return manifold_mixup.ManifoldMixup(
            built, alpha=FLAGS.mixup_alpha, seed=FLAGS.seed
        )
    return None


def _removing(built, objective):
    several = models.exits(built) > 1
    if FLAGS.method in ("single", "bbn") or not several:
        raise _refusal(
            f"--method={FLAGS.method} has no early exit to leave at here; "
            "choose har with early exits"
        )
    if FLAGS.mixing == choices.MANIFOLD_MIXUP:
        raise _refusal(
            f"--mixing={FLAGS.mixing} is for models without early exits; "
            "choose mixup or cutmix"
        )
    if FLAGS.method != "har":
        # Nobody leaves.
        return None
    if FLAGS.distillation:
        raise _refusal(
            f"--distillation={FLAGS.distillation:g} asks the last exit about "
            "images that left before it; leave it out"
        )
    if FLAGS.strategy == "tpu":
        raise _refusal(
            "a TPU needs batches of one size; choose another --strategy"
        )
    return removing.RemovingPass(built, objective.leaves)


def _refusal(reason):
    return InputError(f"--leaving=removed: {reason}, or set --leaving=masked")
