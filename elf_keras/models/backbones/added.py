"""A plug-in's backbone: what its function returns, checked and tapped."""

from collections.abc import Callable

import keras

from elf_keras.errors import InputError
from elf_keras.models import layer_graph
from elf_keras.models.backbones import given, tap_rule
from elf_keras.models.backbones.tapped import TappedBackbone


def backbone(
    inputs: keras.KerasTensor, *, function: Callable, name: str
) -> TappedBackbone:
    """Build it on normalized images.

    Where it returns its last feature map alone, taps lie by `tap_rule.find`
    and where that leaves gaps.

    Args:
      inputs: images, `(batch, height, width, channels)`.
      function: as `plugins.backbone` takes it.
      name: by which it is registered.

    Raises:
      InputError: where it returns something else, or has layers that no saved
        model could be loaded with.
    """
    told = f"backbone {name!r}"
    found = function(inputs)
    if isinstance(found, keras.KerasTensor) and len(found.shape) == 4:
        taps = tap_rule.find(found, min(inputs.shape[1:3]))
        taps = tap_rule.without_gaps(found, taps)
        found = TappedBackbone(inputs, taps, found, "separable")
    if not isinstance(found, TappedBackbone):
        shape = f" {found.shape}" if hasattr(found, "shape") else ""
        raise InputError(
            f"{told} returns {type(found).__name__}{shape}; expected its "
            "last feature map, (batch, height, width, channels), or a "
            "TappedBackbone"
        )
    for call in layer_graph.calls([found.features]):
        if given.is_unknown(type(call.operation)):
            kind = type(call.operation).__name__
            raise InputError(
                f"{told} has the custom layer {call.operation.name} ({kind}), "
                f"which a saved model cannot name; {given.REGISTERED}"
            )
    return found
