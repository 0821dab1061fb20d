"""From --prior_correction to what corrects a trained model."""

import math

from absl import flags

from elf_keras import choices
from elf_keras.data import splits
from elf_keras.errors import InputError
from elf_keras.training.prior_correction import Correction

FLAGS = flags.FLAGS


def correction(data: splits.Splits, exits: int) -> Correction | None:
    """Read it, for a model of so many exits; None for none.

    Raises:
      InputError: for what is no τ or does not fit the model, the data or the
        second stage.
    """
    given, stage = FLAGS.prior_correction, FLAGS.second_stage
    told = f"--prior_correction={given}"
    if given == "none":
        if stage == choices.PRIOR_CORRECTION:
            raise InputError(
                f"--second_stage={stage} needs a τ: add "
                "--prior_correction=validation, or a number"
            )
        return None
    if FLAGS.method == "summed":
        raise InputError(
            f"{told} corrects each exit by itself, but --method=summed answers "
            "by their sum; choose another method, or leave it out"
        )
    if stage == "logit_adjustment":
        raise InputError(
            f"{told} with --second_stage={stage}, which subtracts τ log prior "
            "itself: leave one of them out"
        )
    if given != "validation":
        taus = _numbers(told, given, exits)
        if FLAGS.answer == "running" and len({*taus}) > 1:
            raise InputError(
                f"{told} with --answer=running: sums of several exits have one "
                "τ; give one number, or validation"
            )
        return Correction(taus)
    if data.validation is None:
        raise InputError(
            f"{told}: without a validation split no τ can be chosen; give a "
            "number, such as what a sibling run with --validation_fraction "
            "chose"
        )
    return Correction()


def _numbers(told, given, exits):
    try:
        taus = tuple(float(part) for part in given.split(","))
    except ValueError:
        taus = ()
    fits = len(taus) in (1, exits)
    if not fits or not all(0 <= tau < math.inf for tau in taus):
        raise InputError(
            f"{told}: expected none, validation, a number ≥ 0, or one for "
            f"each of {exits} exits, such as "
            f"{','.join(['0.5'] * exits)}"
        )
    return taus
