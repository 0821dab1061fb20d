"""What a model with exits says where a loss, metrics or labels do not fit."""

import functools
import re

import tensorflow as tf

from elf_keras.errors import InputError
from elf_keras.models.exit_heads import CosineClassifier

# How a loss, or the look-up of a class's weight, says so on a CPU.
_LABEL = re.compile(
    r"(?:label value of (-?\d+) which is outside the valid range of|"
    r"indices\[\d+\] = (-?\d+) is not in) \[0, (\d+)\)"
)


def check_objective(model, loss):
    """Refuse a loss of one output, and one of cosines for plain logits."""
    if not hasattr(loss, "terms"):
        name = getattr(loss, "name", loss)
        what = f"loss={name!r} is of one output" if name else "no loss is given"
        raise InputError(
            f"{what}; a model with exits is compiled with "
            "elf_keras.losses.CumulativeLoss, such as "
            'CumulativeLoss(losses.exit_loss("ce", class_counts), classes)'
        )
    makers = [each._keras_history.operation for each in model.outputs]
    cosines = all(isinstance(each, CosineClassifier) for each in makers)
    if getattr(loss, "cosine", False) and not cosines:
        name = getattr(loss.exit_loss, "name", "ldam")
        raise InputError(
            f"exit loss {name!r} takes cosines, and this model's exits end in "
            "plain classifiers, whose logits have no bound: build it with "
            "heads=models.Heads(cosine=True), or choose another exit loss"
        )


def refuse_others(others):
    """Refuse what Keras' own `compile` takes, unless it says nothing."""
    given = [name for name, value in others.items() if value is not None]
    if not given:
        return
    name = given[0]
    if "metrics" in name:
        raise InputError(
            f"{name}={others[name]!r}: metrics are of one output, and a model "
            "with exits has several; leave them out: the logs have loss, and "
            "of each exit exit_1_accuracy, exit_1_share, exit_1_loss"
        )
    raise InputError(
        f"compile takes no {name} for a model with exits; it takes optimizer, "
        "loss, training_pass, run_eagerly and jit_compile"
    )


def told_of_labels(step):
    """Let a label that there is not end a step in one sentence."""

    @functools.wraps(step)
    def told(iterator):
        try:
            return step(iterator)
        except tf.errors.InvalidArgumentError as error:
            found = _LABEL.search(error.message)
            if found is None:
                raise
            label, classes = filter(None, found.groups())
            raise InputError(
                f"label {label} is of no class: expected 0 to "
                f"{int(classes) - 1}, for a model of {classes} classes"
            ) from error

    return told
