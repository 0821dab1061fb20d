"""Layers that keep their weights while the rest of a model is trained."""

import difflib

import keras

from elf_keras.errors import InputError
from elf_keras.models import layer_graph


def freeze(
    model: keras.Model, *, until: str | None = None, norms: bool = False
) -> None:
    """Freeze part of a multi-exit model's backbone, in place.

    A frozen batch norm keeps its statistics too, and normalizes by them.

    Args:
      until: name of a layer of the backbone, which is frozen with all that it
        depends on; None for none.
      norms: freeze every batch norm of the backbone.

    Raises:
      InputError: for a layer that the backbone does not have.
    """
    backbone = _backbone(model)
    frozen = set()
    if until:
        frozen |= _up_to(backbone, until)
    if norms:
        frozen |= {
            layer.name
            for layer in backbone.values()
            if isinstance(layer, keras.layers.BatchNormalization)
        }
    for name in frozen:
        backbone[name].trainable = False


def _backbone(model):
    """Layers below the last exit's pooling, by name: no head is among them."""
    last = f"exit_{len(model.output_names)}_pool"
    features = model.get_layer(last).input
    found = [call.operation for call in layer_graph.calls([features])]
    return {layer.name: layer for layer in found}


def _up_to(backbone, name):
    if name not in backbone:
        near = difflib.get_close_matches(name, backbone, n=3, cutoff=0.4)
        raise InputError(
            f"--frozen_until={name}: the backbone has no such layer; nearest "
            f"are {', '.join(near) or ', '.join([*backbone][-3:])}"
        )
    calls = layer_graph.calls([backbone[name].output])
    return {call.operation.name for call in calls}
