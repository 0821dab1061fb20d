"""The layers of a functional model once more, on other images.

Models inside it may be taken apart, so that taps and stages can lie in them;
those of `keras.applications` stay, as the names of their layers are recorded.
"""

import itertools
import re

import keras
from keras import layers

from elf_keras.distribution import replicas
from elf_keras.models import layer_graph
from elf_keras.models.layers import BatchNormalization

PREPROCESSING = (layers.Rescaling, layers.Normalization)
# Of our own batch normalization, here as everywhere.
MOMENTUM = 0.9
# Names that a model with exits gives layers of its own.
_OURS = re.compile(r"image|normalize|exit_\d+(_.*)?|rebalancing_.*|both_.*")


def rebuild(
    model: keras.Model,
    features: keras.KerasTensor,
    *,
    names: dict[int, str] | None = None,
    weights: bool = False,
) -> dict[str, keras.KerasTensor]:
    """Build a model's layers anew on other features.

    Batch normalizations of feature maps become ours where they have scale
    and centre, with our momentum. All layers can be trained, and compute in
    the precision that is set, preprocessing in float32. Augmentation is left
    out.

    Args:
      features: what takes the place of the model's input.
      names: of the layers, by `id`, those in inner models too, which are
        taken apart; by default `stable_names`, and inner models stay whole.
      weights: copy them; else they are fresh.

    Returns:
      Every layer's output by the layer's new name, the model's output last.
    """
    apart = names is not None
    if not apart:
        stable = stable_names(model)
        names = {id(layer): stable[layer.name] for layer in model.operations}
    copies = _Copies(names, apart=apart)
    copies.replay(model, features)
    for layer, copy in copies.pairs.values() if weights else ():
        if getattr(copy, "weights", ()):
            copy.set_weights(layer.get_weights())
    return copies.made


class _Copies:
    """Copies of layers, each once however often it is called."""

    def __init__(self, names, *, apart):
        self.names, self.apart = names, apart
        self.pairs, self.made, self.last = {}, {}, None

    def replay(self, model, inputs):
        """Return the output of the copies on other inputs.

        The clone is a graph of its own; the output of ours is the last made.
        """
        model, given = as_functional(model), keras.tree.flatten(inputs)
        keras.models.clone_model(
            model,
            keras.tree.pack_sequence_as(model.input, given),
            clone_function=self.new,
            call_function=self.call,
        )
        return self.last

    def new(self, layer):
        """Return the copy; of a model that is taken apart itself."""
        if self._is_apart(layer):
            return layer
        if id(layer) not in self.pairs:
            copy = _fresh(layer, self.names[id(layer)])
            self.pairs[id(layer)] = layer, copy
        return self.pairs[id(layer)][1]

    def call(self, layer, *args, mask=None, training=None, **kwargs):
        """Call a copy, and keep its output.

        Keras' normalization records a mask; images have none. And whether a
        layer trains is not for its graph to say.
        """
        if is_augmentation(layer):
            self.last = args[0]
        elif self._is_apart(layer):
            self.replay(layer, *args)
        else:
            self.last = layer(*args, **kwargs)
            # A layer that is called again: its last output, in its place.
            self.made.pop(layer.name, None)
            self.made[layer.name] = self.last
        return self.last

    def _is_apart(self, layer):
        return self.apart and isinstance(layer, keras.Model)


def stable_names(model: keras.Model) -> dict[str, str]:
    """Return a name for each layer that does not depend on the process.

    Keras numbers nameless layers in the order in which a process makes them;
    here the number is that within the model.
    """
    names, counts = {}, {}
    for call in layer_graph.calls(model.outputs):
        name = call.operation.name
        kind = re.sub(r"_\d+$", "", name)
        if kind.replace("_", "") == type(call.operation).__name__.lower():
            number = counts[kind] = counts.get(kind, -1) + 1
            names[name] = f"{kind}_{number}" if number else kind
        else:
            names[name] = name
    return names


def own_names(model: keras.Model) -> dict[int, str]:
    """Return the name of each layer, of those in inner models too, by `id`.

    A name that another layer has, or that a model with exits needs, gets the
    inner model's name in front, and a number where that is not enough.
    """
    names = {}
    for layer, owner in operations(model):
        taken = set(names.values())
        wished = itertools.chain(
            (layer.name, f"{owner.name}_{layer.name}"),
            (f"{owner.name}_{layer.name}_{n}" for n in itertools.count(2)),
        )
        names[id(layer)] = next(
            name
            for name in wished
            if name not in taken and not _OURS.fullmatch(name)
        )
    return names


def operations(model: keras.Model) -> list[tuple[keras.Operation, keras.Model]]:
    """Return every layer and the model that holds it, inner models' too."""
    found = {}
    for layer in as_functional(model).operations:
        inside = [(layer, model)]
        if isinstance(layer, keras.Model):
            inside = operations(layer)
        found |= {id(each): (each, owner) for each, owner in inside}
    kinds = layers.InputLayer
    return [pair for pair in found.values() if not isinstance(pair[0], kinds)]


def as_functional(model: keras.Model) -> keras.Model:
    """Return a model with the graph of a sequential one, else itself."""
    if isinstance(model, keras.Sequential):
        return keras.Model(model.inputs[0], model.outputs[0], name=model.name)
    return model


def is_augmentation(layer: keras.Operation) -> bool:
    """Tell whether a layer changes images at random, and in training only.

    A model does where all of its layers do.
    """
    if isinstance(layer, keras.Model):
        return all(is_augmentation(each) for each, _ in operations(layer))
    kind = type(layer)
    random = kind.__name__.startswith("Random")
    # In use this one cuts the middle out.
    return random and kind is not layers.RandomCrop


def _fresh(layer, name):
    """A copy with fresh weights."""
    config, kind = {**layer.get_config(), "name": name}, type(layer)
    if isinstance(layer, keras.Model):
        return kind.from_config(config)
    if "trainable" in config:
        config["trainable"] = True
    if "dtype" in config:
        pixels = isinstance(layer, PREPROCESSING)
        policy = "float32" if pixels else keras.config.dtype_policy().name
        config["dtype"] = policy
    if kind is layers.BatchNormalization:
        config["momentum"] = MOMENTUM
        config["synchronized"] = replicas.several()
        rank = layer.input_spec.ndim
        if layer.axis in (-1, rank - 1):
            config["axis"] = -1
            if rank == 4 and layer.scale and layer.center:
                kind = BatchNormalization
    if kind is layers.Normalization and layer.input_mean is None:
        # What it learnt of its images is part of the configuration then.
        config["mean"] = layer.adapt_mean.numpy().tolist()
        config["variance"] = layer.adapt_variance.numpy().tolist()
    return kind.from_config(config)
