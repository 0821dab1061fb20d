"""A trained model once more in float32, whatever it was trained in.

Phones and servers compute in float32 or in integers; a graph in bfloat16
converts without a word and then cannot run.
"""

from elf_keras.models.multi_exit_model import MultiExitModel

_HALF = ("mixed_bfloat16", "mixed_float16", "bfloat16", "float16")


def rebuild(model: MultiExitModel) -> MultiExitModel:
    """Return the same network and weights under the float32 policy.

    Args:
      model: a multi-exit model of any precision; left as it is.
    """
    rebuilt = MultiExitModel.from_config(_in_float32(model.get_config()))
    rebuilt.set_weights(model.get_weights())
    return rebuilt


def _in_float32(config):
    """Replace every half-precision policy, at any depth."""
    if isinstance(config, dict):
        return {key: _in_float32(value) for key, value in config.items()}
    if isinstance(config, (list, tuple)):
        return type(config)(_in_float32(value) for value in config)
    return "float32" if config in _HALF else config
