"""The backbones by name: functions from normalized images to taps."""

import functools
import pathlib
import re
from collections import ChainMap
from collections.abc import Callable

import keras

from elf_keras import choices, plugins
from elf_keras.errors import InputError
from elf_keras.models.backbones import added, given, given_file
from elf_keras.models.backbones.applications import application
from elf_keras.models.backbones.efficientnet_lite import efficientnet_lite0
from elf_keras.models.backbones.resnets import cifar_resnet, resnet50
from elf_keras.models.backbones.tapped import CENTRED, Pixels

_DENSENET169 = "DenseNet169"
# Its own, and those of plug-ins.
BACKBONES = ChainMap(
    {
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
    },
    plugins.BACKBONES,
)


def find(name: str | keras.Model) -> Callable:
    """Return the function that builds a backbone.

    Args:
      name: a key of `BACKBONES`; `keras:` and a name in `keras.applications`;
        a model, or the path of its file, which ends in `.keras`.

    Raises:
      InputError: for another name, and a file that is no such model.
    """
    if isinstance(name, keras.Model):
        told = f"the model {name.name}"
        return functools.partial(given.backbone, model=name, told=told)
    if name.endswith(choices.KERAS_FILE):
        told, model = f"--backbone={name}", given_file.load(name)
        return functools.partial(given.backbone, model=model, told=told)
    if name in plugins.BACKBONES:
        function = plugins.BACKBONES[name]
        return functools.partial(added.backbone, function=function, name=name)
    if name in BACKBONES:
        return BACKBONES[name]
    if not name.startswith(choices.KERAS_PREFIX):
        raise InputError(
            f"backbone {name!r} is unknown; choose one of {list(BACKBONES)}, "
            f"{choices.KERAS_PREFIX}NAME for a model of keras.applications, or "
            f"FILE{choices.KERAS_FILE}"
        )
    return functools.partial(application, name=application_name(name))


def pixels_of(name: str | keras.Model) -> Pixels:
    """Return how pixels are normalized where nothing is known of the images."""
    own = isinstance(name, keras.Model) or name.endswith(choices.KERAS_FILE)
    return given.AS_THEY_ARE if own else CENTRED


def told(name: str | keras.Model) -> str:
    """Return a backbone's name, of which a file or model may be called."""
    if isinstance(name, keras.Model):
        name = name.name
    elif name.endswith(choices.KERAS_FILE):
        name = pathlib.PurePath(name).stem
    return re.sub(r"\W", "_", name)


def application_name(name: str) -> str | None:
    """Return what `keras.applications` calls a backbone, or None."""
    if name == "densenet169":
        return _DENSENET169
    prefix = choices.KERAS_PREFIX
    return name.removeprefix(prefix) if name.startswith(prefix) else None
