"""The backbones by name: functions from normalized images to taps."""

import functools
from collections.abc import Callable

from elf_keras import choices
from elf_keras.errors import InputError
from elf_keras.models.backbones.applications import application
from elf_keras.models.backbones.efficientnet_lite import efficientnet_lite0
from elf_keras.models.backbones.resnets import cifar_resnet, resnet50

_DENSENET169 = "DenseNet169"
BACKBONES = {
    **{
        f"resnet{depth}": functools.partial(cifar_resnet, depth=depth)
        for depth in (8, 20, 32, 44, 56, 110)
    },
    "resnet50": resnet50,
    # HAR, Fig. 8c: before each dense block; heads of plain convolutions.
    "densenet169": functools.partial(
        application,
        name=_DENSENET169,
        taps=("pool1", "pool2_pool", "pool3_pool", "pool4_pool"),
        head="conv",
    ),
    "efficientnet_lite0": efficientnet_lite0,
}


def find(name: str) -> Callable:
    """Return the function that builds a backbone.

    Args:
      name: a key of `BACKBONES`, or `keras:` and a name in
        `keras.applications`.

    Raises:
      InputError: for another name.
    """
    if name in BACKBONES:
        return BACKBONES[name]
    if not name.startswith(choices.KERAS_PREFIX):
        raise InputError(
            f"backbone {name!r} is unknown; choose one of {list(BACKBONES)}, "
            f"or {choices.KERAS_PREFIX}NAME for a model of keras.applications"
        )
    return functools.partial(application, name=application_name(name))


def application_name(name: str) -> str | None:
    """Return what `keras.applications` calls a backbone, or None."""
    if name == "densenet169":
        return _DENSENET169
    prefix = choices.KERAS_PREFIX
    return name.removeprefix(prefix) if name.startswith(prefix) else None
