"""A `.keras` file of any Keras model, read without code of its own."""

import json
import pathlib
import zipfile

import keras

from elf_keras.errors import InputError
from elf_keras.models import saving

# What they compute is not written in a file, or not by Keras' layers.
OPAQUE = ("Lambda", "TFSMLayer", "TorchModuleWrapper", "JaxLayer", "FlaxLayer")
EXPECTED_LAYERS = (
    "expected layers of keras.layers alone, which stages, exports and costs "
    "know, with channels last"
)
_EXPECTED = "a .keras file of a functional Keras model"


def load(path: pathlib.Path | str) -> keras.Model:
    """Load a model without its optimizer.

    Raises:
      InputError: for a missing or damaged file, and one with custom or Lambda
        layers, all of which it names.
    """
    if not pathlib.Path(path).is_file():
        raise InputError(
            f"--backbone={path}: there is no such file; expected {_EXPECTED}"
        )
    try:
        with zipfile.ZipFile(path) as archive:
            config = json.loads(archive.read("config.json"))
        custom = dict.fromkeys(_custom(config))
    except saving.DAMAGE as error:
        raise InputError(
            f"{path} cannot be read ({error}); expected {_EXPECTED}"
        ) from error
    if custom:
        raise InputError(
            f"{path} has {', '.join(custom)}, which Keras does not know; "
            f"{EXPECTED_LAYERS}"
        )
    return saving.read(path, expected=_EXPECTED)


def _custom(config):
    """Name what is of neither Keras nor this project, at any depth."""
    if isinstance(config, list):
        for value in config:
            yield from _custom(value)
    if not isinstance(config, dict):
        return
    kind, module = config.get("class_name"), config.get("module")
    if kind == "__lambda__":
        yield "a lambda function"
    elif kind in OPAQUE or (kind and module and not _is_known(kind, module)):
        yield _told(kind, config.get("config"))
    for key, value in config.items():
        # Its losses and metrics are not loaded.
        if key != "compile_config":
            yield from _custom(value)


def _is_known(kind, module):
    # Keras writes its own functions as plain words.
    builtin = module == "builtins" and kind != "function"
    return builtin or module.partition(".")[0] in ("keras", "elf_keras")


def _told(kind, config):
    if kind == "function":
        return f"the function {config}"
    name = config.get("name") if isinstance(config, dict) else None
    return f"{name} ({kind})" if name else f"{kind}"
