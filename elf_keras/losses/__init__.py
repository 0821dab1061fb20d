"""The exit losses by name, and how a name becomes a function of logits."""

import functools
from collections import ChainMap
from collections.abc import Callable

import keras
import numpy as np

from elf_keras import plugins
from elf_keras.errors import InputError
from elf_keras.losses import class_weights, exit_losses
from elf_keras.losses.objective import CumulativeLoss
from elf_keras.plugins import ExitLoss

__all__ = ["EXIT_LOSSES", "CumulativeLoss", "ExitLoss", "exit_loss"]

# Its own, and those of plug-ins.
EXIT_LOSSES = ChainMap(
    {
        "ce": ExitLoss(exit_losses.cross_entropy),
        "focal": ExitLoss(exit_losses.focal, ("gamma",), of_weights=True),
        "ldam": ExitLoss(
            exit_losses.ldam,
            ("scale", "margin_power"),
            ("margins",),
            cosine=True,
        ),
        "balanced_softmax": ExitLoss(
            exit_losses.balanced_softmax, (), ("log_priors",)
        ),
        "la": ExitLoss(exit_losses.logit_adjustment, ("tau",), ("log_priors",)),
        "vs": ExitLoss(
            exit_losses.vector_scaling, ("tau", "exponent"), ("log_priors",)
        ),
    },
    plugins.LOSSES,
)


def exit_loss(
    name: str,
    class_counts: np.ndarray | None = None,
    *,
    class_weights_inside=None,
    **parameters: float,
) -> Callable:
    """Bind a loss from the table to the class counts of the training set.

    Args:
      class_counts: training images per class n, `(classes,)`; None only for a
        loss that does without, such as ce and focal.
      class_weights_inside: variable `(classes,)`, the objective's, for a loss
        that looks at them itself, which only focal does; None for none.
      **parameters: those of the table, the others keep their defaults;
        `margin_power` is the power of n_c in LDAM's margins.

    Returns:
      `loss(logits, labels)`, one value per example and exit.

    Raises:
      InputError: for a name that is not in the table, class counts that are
        missing, a parameter or class weights that this loss does not take,
        and a plug-in's loss that is none.
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
    told, power = dict(parameters), class_weights.MARGIN_POWER
    if name not in plugins.LOSSES:
        power = parameters.pop("margin_power", power)
    given = _of_counts(name, loss, class_counts, power)
    if class_weights_inside is not None:
        if not loss.of_weights:
            raise InputError(
                f"exit loss {name!r} takes no class weights inside; focal does"
            )
        given["weights"] = class_weights_inside
    bound = functools.partial(loss.function, **given, **parameters)
    # What objective, model and a saved run look at.
    bound.name, bound.cosine, bound.parameters = name, loss.cosine, told
    if name in plugins.LOSSES:
        _try(bound, 3 if class_counts is None else len(class_counts))
    return bound


def _of_counts(name, loss, class_counts, power):
    """The arguments of a loss that the class counts give."""
    if class_counts is None:
        if loss.of_counts:
            raise InputError(
                f"exit loss {name!r} needs the number of training images of "
                "each class, and class_counts is missing; give it, such as "
                f'exit_loss("{name}", np.bincount(labels))'
            )
        return {}
    found = {
        "margins": class_weights.ldam_margins(class_counts, power=power),
        "log_priors": class_weights.log_priors(class_counts),
        "class_counts": np.asarray(class_counts, "float32"),
    }
    return {argument: found[argument] for argument in loss.of_counts}


def _try(bound, classes):
    """Refuse a plug-in's loss that is not one value per example and exit."""
    logits = keras.random.normal((2, 3, classes), seed=0)
    found = bound(logits, keras.ops.zeros((2, 3), "int32"))
    shape = tuple(getattr(found, "shape", ()))
    if shape != (2, 3):
        raise InputError(
            f"exit loss {bound.name!r} returns {shape} for logits (2, 3, "
            f"{classes}) and labels (2, 3); expected one value for each "
            "example and exit, (2, 3): reduce over the classes alone"
        )
