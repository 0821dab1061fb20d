"""Models on disk, weights from one model to another, and in float32."""

import zipfile
from collections.abc import Collection

import keras

from elf_keras.errors import InputError
from elf_keras.models.multi_exit_model import MultiExitModel

# What files that are cut, changed or foreign lead to.
DAMAGE = (OSError, ValueError, LookupError, TypeError, RuntimeError)
DAMAGE += (zipfile.BadZipFile,)
# Layers that a sentence names.
_NAMED = 12
_HALF = ("mixed_bfloat16", "mixed_float16", "bfloat16", "float16")


def load(path) -> MultiExitModel:
    """Load a saved `.keras` model; needs no other import.

    Raises:
      InputError: where the file is missing or is no such model.
    """
    model = read(path, expected="a .keras file written by elf_keras.train")
    if not isinstance(model, MultiExitModel):
        raise InputError(
            f"{path} holds a {type(model).__name__} without named exits; "
            "expected a .keras file written by elf_keras.train"
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


def take_over(
    model: keras.Model, source: keras.Model, *, but: Collection[str] = ()
) -> str:
    """Copy the weights of every layer of `source` that fits by name and shape.

    Args:
      but: names of layers that keep their fresh weights.

    Returns:
      A sentence that names the layers which keep their fresh weights.

    Raises:
      InputError: where nothing fits.
    """
    trained = {layer.name: layer.get_weights() for layer in source.layers}
    fresh, copied = [], 0
    for layer in model.layers:
        if not layer.weights:
            continue
        weights = trained.get(layer.name, []) if layer.name not in but else []
        if [w.shape for w in weights] == [w.shape for w in layer.weights]:
            layer.set_weights(weights)
            copied += 1
        else:
            fresh.append(layer.name)
    if not copied:
        raise InputError(
            f"no layer of {source.name} fits {model.name} by name and shape; "
            "give weights of the same --backbone"
        )
    return f"{copied} layers take over weights; fresh: {_shown(fresh)}"


def _shown(names):
    """The first few, and how many more there are."""
    more = len(names) - _NAMED
    text = ", ".join(names[:_NAMED])
    return f"{text} and {more} more" if more > 0 else text


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
