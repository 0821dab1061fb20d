"""The exit losses by name, and how a name becomes a function of logits."""

import functools
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from elf_keras.errors import InputError
from elf_keras.losses import class_weights, exit_losses
from elf_keras.losses.objective import CumulativeLoss

__all__ = ["EXIT_LOSSES", "CumulativeLoss", "ExitLoss", "exit_loss"]


class ExitLoss(NamedTuple):
    """A line of the table.

    Attributes:
      function: of logits and labels, one value per example and exit.
      parameters: numbers that a user may give.
      of_counts: arguments that the class counts give.
      of_weights: whether it may look at the class weights itself.
    """

    function: Callable
    parameters: tuple[str, ...] = ()
    of_counts: tuple[str, ...] = ()
    of_weights: bool = False


EXIT_LOSSES = {
    "ce": ExitLoss(exit_losses.cross_entropy),
    "focal": ExitLoss(exit_losses.focal, ("gamma",), of_weights=True),
    "ldam": ExitLoss(exit_losses.ldam, ("scale", "margin_power"), ("margins",)),
    "balanced_softmax": ExitLoss(
        exit_losses.balanced_softmax, (), ("log_priors",)
    ),
    "la": ExitLoss(exit_losses.logit_adjustment, ("tau",), ("log_priors",)),
    "vs": ExitLoss(
        exit_losses.vector_scaling, ("tau", "exponent"), ("log_priors",)
    ),
}


def exit_loss(
    name: str,
    class_counts: np.ndarray,
    *,
    class_weights_inside=None,
    **parameters: float,
) -> Callable:
    """Bind a loss from the table to the class counts of the training set.

    Args:
      class_counts: training images per class n, `(classes,)`.
      class_weights_inside: variable `(classes,)`, the objective's, for a loss
        that looks at them itself, which only focal does; None for none.
      **parameters: those of the table, the others keep their defaults;
        `margin_power` is the power of n_c in LDAM's margins.

    Returns:
      `loss(logits, labels)`, one value per example and exit.

    Raises:
      InputError: for a name that is not in the table, and a parameter or
        class weights that this loss does not take.
    """
    if name not in EXIT_LOSSES:
        raise InputError(
            f"exit loss {name!r} is unknown; choose one of {list(EXIT_LOSSES)}"
        )
    loss = EXIT_LOSSES[name]
    if foreign := sorted(set(parameters) - set(loss.parameters)):
        raise InputError(
            f"exit loss {name!r} takes no {', '.join(foreign)}; it takes "
            f"{', '.join(loss.parameters) or 'no parameter'}"
        )
    power = parameters.pop("margin_power", class_weights.MARGIN_POWER)
    of_counts = {
        "margins": class_weights.ldam_margins(class_counts, power=power),
        "log_priors": class_weights.log_priors(class_counts),
    }
    given = {argument: of_counts[argument] for argument in loss.of_counts}
    if class_weights_inside is not None:
        if not loss.of_weights:
            raise InputError(
                f"exit loss {name!r} takes no class weights inside; focal does"
            )
        given["weights"] = class_weights_inside
    return functools.partial(loss.function, **given, **parameters)
