"""Any model of `keras.applications` as a backbone, with taps found by rule.

The rule looks at the bottlenecks of the graph only, the calls that every path
from image to features crosses, so that the stages form a chain. The tap before
a change of resolution is the last bottleneck at the old one; unless a single
layer with a kernel widened it, as the expansion that opens an inverted
residual block does: then the map before that layer, the block's own input.
"""

import re

import keras
from keras import layers

from elf_keras.distribution import replicas
from elf_keras.errors import InputError
from elf_keras.models import layer_graph
from elf_keras.models.backbones.tapped import TappedBackbone
from elf_keras.models.layers import BatchNormalization

_PREPROCESSING = (layers.Rescaling, layers.Normalization)
# Of our own batch normalization, here as everywhere.
MOMENTUM = 0.9


def application(
    inputs: keras.KerasTensor,
    *,
    name: str,
    taps: tuple[str, ...] = (),
    head: str = "separable",
) -> TappedBackbone:
    """Build a model of `keras.applications` on normalized images.

    Its own preprocessing layers are left out, its batch normalizations
    become ours where they have scale and centre, with our momentum.

    Args:
      inputs: normalized images, `(batch, height, width, channels)`.
      taps: names of layers; by default those that the rule picks.

    Returns:
      The backbone, with fresh weights; its taps bear their layers' names.

    Raises:
      InputError: for an unknown name, and images that are too small.
    """
    bare = without_preprocessing(construct(name, inputs.shape[1:]))
    made = rebuild(bare, inputs)
    side = min(inputs.shape[1:3])
    found = {tap: made[tap] for tap in taps} or _find_taps(made, side)
    return TappedBackbone(inputs, found, [*made.values()][-1], head)


def construct(name: str, image_shape, weights: str | None = None):
    """Return a model of `keras.applications` without its classifier.

    Raises:
      InputError: for an unknown name, images that are too small, or weights
        that do not fit.
    """
    known = [each for each in dir(keras.applications) if each[0].isupper()]
    if name not in known:
        raise InputError(
            f"backbone 'keras:{name}' is unknown; keras.applications has "
            f"{', '.join(known)}"
        )
    function = getattr(keras.applications, name)
    try:
        return function(
            include_top=False, weights=weights, input_shape=tuple(image_shape)
        )
    except (ValueError, OSError, KeyError) as error:
        reason = str(error).strip().splitlines()[0]
        raise InputError(
            f"keras:{name} cannot be built for images of {tuple(image_shape)}"
            f"{f' with {weights}' if weights else ''}: {reason}"
        ) from error


def without_preprocessing(model: keras.Model) -> keras.Model:
    """Return what follows a model's leading rescaling and normalization."""
    start, *chain = layer_graph.bottlenecks(model.output)
    for call in chain:
        if not isinstance(call.operation, _PREPROCESSING):
            break
        start = call
    return keras.Model(start.outputs[0], model.output, name=model.name)


def rebuild(
    model: keras.Model, features: keras.KerasTensor
) -> dict[str, keras.KerasTensor]:
    """Build a model's layers anew, with fresh weights, on other features.

    Args:
      features: what takes the place of the model's input.

    Returns:
      Every layer's output by the layer's new name, the model's output last.
    """
    names, made = stable_names(model), {}

    def new(layer):
        config = {**layer.get_config(), "name": names[layer.name]}
        kind = type(layer)
        if kind is layers.BatchNormalization:
            config.update(axis=-1, momentum=MOMENTUM)
            config["synchronized"] = replicas.several()
            if layer.scale and layer.center:
                kind = BatchNormalization
        return kind.from_config(config)

    def call(layer, *args, mask=None, **kwargs):
        # Keras' normalization records a mask; images have none.
        made[layer.name] = layer(*args, **kwargs)
        return made[layer.name]

    keras.models.clone_model(
        model, features, clone_function=new, call_function=call
    )
    return made


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


def _find_taps(made, side):
    """Pick by the module's rule; `side` is the images'."""
    chain = layer_graph.feature_maps([*made.values()][-1])
    calls = [
        _before_expansion(chain, number)
        for number in layer_graph.before_each_halving(chain, side)
    ]
    return {call.operation.name: call.outputs[0] for call in calls}


def _before_expansion(chain, number):
    """Step back over norm and activation, then over one widening layer."""
    picked = chain[number]
    while chain[number].parent_nodes == [chain[number - 1]]:
        before = chain[number - 1]
        if layer_graph.has_kernel(chain[number].operation):
            _, *old_size, old_width = before.outputs[0].shape
            _, *size, width = picked.outputs[0].shape
            widened = size == old_size and width > old_width
            return before if widened else picked
        number -= 1
    return picked
