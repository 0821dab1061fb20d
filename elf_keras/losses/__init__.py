"""The exit losses by name, and how a name becomes a function of scores."""

import functools
import inspect
from collections.abc import Callable

import numpy as np

from elf_keras.errors import InputError
from elf_keras.losses import class_weights, exit_losses

# A loss' keyword arguments are filled from the parameters of that name.
EXIT_LOSSES = {
    "ce": exit_losses.cross_entropy,
    "focal": exit_losses.focal,
    "ldam": exit_losses.ldam,
    "balanced_softmax": exit_losses.balanced_softmax,
    "la": exit_losses.logit_adjustment,
    "vs": exit_losses.vector_scaling,
}


def exit_loss(
    name: str,
    class_counts: np.ndarray,
    *,
    margin_power: float = -0.25,
    **parameters: float,
) -> Callable:
    """Bind a loss from the table to the class counts of the training set.

    Args:
      name: a key of `EXIT_LOSSES`.
      class_counts: training images per class n, `(classes,)`.
      margin_power: power of n_c in LDAM's margins.
      **parameters: `gamma`, `scale`, `tau`, `exponent`: each reaches the
        losses that have an argument of that name, the others ignore it.

    Returns:
      `loss(scores, labels)`, one value per example and exit.

    Raises:
      InputError: for a name that is not in the table, or a parameter that
        no loss has.
    """
    if name not in EXIT_LOSSES:
        raise InputError(
            f"exit loss {name!r} is unknown; choose one of {list(EXIT_LOSSES)}"
        )
    known = {
        key
        for function in EXIT_LOSSES.values()
        for key in inspect.signature(function).parameters
    }
    if not set(parameters) <= known:
        raise InputError(
            f"no exit loss has a parameter {sorted(set(parameters) - known)}; "
            f"expected some of {sorted(known - {'scores', 'labels'})}"
        )
    function = EXIT_LOSSES[name]
    available = {
        "margins": class_weights.ldam_margins(class_counts, power=margin_power),
        "log_priors": class_weights.log_priors(class_counts),
        **parameters,
    }
    wanted = inspect.signature(function).parameters
    return functools.partial(
        function,
        **{key: available[key] for key in available if key in wanted},
    )
