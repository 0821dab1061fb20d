"""Models on disk, and in float32."""

import zipfile
import zlib

import keras

from elf_keras.errors import InputError
from elf_keras.models.multi_exit_model import MultiExitModel

# What files that are cut, changed or foreign lead to.
DAMAGE = (OSError, ValueError, LookupError, TypeError, RuntimeError)
DAMAGE += (AttributeError, EOFError, zipfile.BadZipFile, zlib.error)
_HALF = ("mixed_bfloat16", "mixed_float16", "bfloat16", "float16")


def load(path) -> MultiExitModel:
    """Load a saved `.keras` model; needs no other import.

    Raises:
      InputError: where the file is missing or is no such model.
    """
    model = read(path, expected="a .keras file written by elf-keras train")
    if not isinstance(model, MultiExitModel):
        raise InputError(
            f"{path} holds a {type(model).__name__} without named exits; "
            "expected a .keras file written by elf-keras train"
        )
    return model


def read(path, *, expected: str) -> keras.Model:
    """Load a `.keras` file of any model, without code that lies in it.

    Args:
      expected: what an error says the file should be.

    Raises:
      InputError: where the file is missing, damaged or needs such code.
    """
    try:
        return keras.saving.load_model(path, compile=False, safe_mode=True)
    except DAMAGE as error:
        reason = str(error).strip().partition("\n")[0]
        raise InputError(
            f"{path}: cannot be loaded as a model ({reason}); expected "
            f"{expected}"
        ) from error


def save(model: MultiExitModel, path) -> None:
    """Save a model without its optimizer's state, which halves the file."""
    bare = MultiExitModel(model.inputs[0], model.output, name=model.name)
    bare.save(path)


def in_float32(model: MultiExitModel) -> MultiExitModel:
    """Return the same network and weights under the float32 policy.

    Phones and servers compute in float32 or in integers; a graph in bfloat16
    converts without a word and then cannot run. The one given stays as it is.
    """
    rebuilt = MultiExitModel.from_config(_config_in_float32(model.get_config()))
    rebuilt.set_weights(model.get_weights())
    return rebuilt


def _config_in_float32(config):
    """Replace every half-precision policy, at any depth."""
    if isinstance(config, dict):
        return {key: _config_in_float32(value) for key, value in config.items()}
    if isinstance(config, (list, tuple)):
        return type(config)(_config_in_float32(value) for value in config)
    return "float32" if config in _HALF else config
