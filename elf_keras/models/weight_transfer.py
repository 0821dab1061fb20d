"""Weights from one model to another, layers matched by what they are.

A layer of the backbone is known by its name; the head of an early exit by the
layer that it reads, whatever its number; the classifier of the last exit by
being the last. Models with and without early exits, or with others, so begin
with all that they share.
"""

import re
from collections.abc import Collection

import keras

from elf_keras.errors import InputError
from elf_keras.exits import exit_rule
from elf_keras.models.exit_heads import CosineClassifier
from elf_keras.models.multi_exit_model import MultiExitModel

# Layers that a sentence names.
_NAMED = 12
_EXIT = re.compile(r"(exit_\d+)(.*)")
_BACKBONE, _FINAL = "backbone", "final classifier"


def take_over(
    model: keras.Model, source: keras.Model, *, but: Collection[str] = ()
) -> str:
    """Copy the weights of every layer of `source` that fits, also by shape.

    Args:
      but: names of layers that keep their fresh weights.

    Returns:
      A sentence on backbone, heads and final classifier, and on the layers
      which keep their fresh weights.

    Raises:
      InputError: where nothing fits.
    """
    kinds = _kinds(model)
    offered = {
        place: source.get_layer(name) for name, place in _kinds(source).items()
    }
    trained = {place: each.get_weights() for place, each in offered.items()}
    fresh = []
    for name, place in kinds.items():
        layer = model.get_layer(name)
        weights = trained.get(place, []) if name not in but else []
        weights = _fitting(weights, layer, offered.get(place))
        if [w.shape for w in weights] == [w.shape for w in layer.weights]:
            layer.set_weights(weights)
        else:
            fresh.append(name)
    if len(fresh) == len(kinds):
        raise InputError(
            f"no layer of {source.name} fits {model.name} by name and shape; "
            "give weights of the same --backbone"
        )
    return _told(kinds, fresh, trained)


def _fitting(weights, layer, source):
    """What of a source's weights means the same in a layer."""
    cosine = isinstance(layer, CosineClassifier)
    if cosine != isinstance(source, CosineClassifier):
        # Shapes may fit all the same: a kernel, and class vectors.
        return []
    if cosine and not layer.shifted:
        # What corrected the source for its prior is not trained.
        return weights[:1]
    return weights


def _kinds(model):
    """Layer with weights -> what it belongs to, and its name there."""
    parts = _exits(model) if isinstance(model, MultiExitModel) else {}
    found = {}
    for layer in model.layers:
        of_exit = _EXIT.fullmatch(layer.name)
        if not layer.weights:
            continue
        if of_exit and of_exit[1] in parts:
            form = _form(model, of_exit[1])
            found[layer.name] = (parts[of_exit[1]], form + of_exit[2])
        else:
            found[layer.name] = (_BACKBONE, layer.name)
    return found


def _exits(model):
    """Name of each exit -> the part that its layers are."""
    *early, last = exit_rule.exit_names(len(model.output_names))
    taps = {name: model.get_layer(f"{name}_tap").input for name in early}
    heads = {
        name: f"head at {tap._keras_history.operation.name}"
        for name, tap in taps.items()
    }
    return heads | {last: _FINAL}


def _form(model, name):
    """What tells heads of an exit apart whose weights have the same shapes."""
    layers = {
        layer.name.removeprefix(name): layer
        for layer in model.layers
        if layer.name.startswith(f"{name}_")
    }
    strides = [
        layer.strides[0]
        for suffix, layer in sorted(layers.items())
        if suffix.endswith("_conv")
    ]
    # An inverted one is pooled only where its map is large.
    pooled = "_reduce" in layers and "_depthwise_conv" not in layers
    return f"{'pooled' if pooled else ''}{strides}"


def _told(kinds, fresh, offered):
    """What was taken over of each part, and what was not."""
    layers = {}
    for name, (part, _) in kinds.items():
        layers.setdefault(part, {})[name] = name not in fresh
    backbone, final = (layers.pop(part, {}) for part in (_BACKBONE, _FINAL))
    classifier = f"the {_FINAL}" if any(final.values()) else f"no {_FINAL}"
    left = _left(offered, kinds, layers)
    behind = f"; not used: {_shown(left)}" if left else ""
    return (
        f"{len(kinds) - len(fresh)} layers start from given weights: "
        f"{sum(backbone.values())} of {len(backbone)} of the backbone, "
        f"{_heads(layers.values())}, {classifier}; "
        f"random: {_shown(fresh) or 'none'}{behind}"
    )


def _heads(layers):
    """How many were taken over, and of how many all but the classifier."""
    whole = sum(all(each.values()) for each in layers)
    bodies = 0
    for each in layers:
        of_body = [each[name] for name in each if _EXIT.fullmatch(name)[2]]
        bodies += bool(of_body) and all(of_body) and not all(each.values())
    but = f" ({bodies} without their classifiers)" if bodies else ""
    text = f"{whole + bodies} of {len(layers)} heads{but}"
    return text if layers else "no head"


def _left(offered, kinds, heads):
    """Parts of the source that have no place here."""
    deeper = {place for place in offered if place[0] == _BACKBONE}
    count = len(deeper - set(kinds.values()))
    left = {part for part, _ in offered} - {_BACKBONE, _FINAL} - set(heads)
    return [f"{count} layers of its backbone"] * bool(count) + sorted(left)


def _shown(names):
    """The first few, and how many more there are."""
    more = len(names) - _NAMED
    text = ", ".join(names[:_NAMED])
    return f"{text} and {more} more" if more > 0 else text
