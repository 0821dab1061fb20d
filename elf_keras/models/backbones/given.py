"""Any functional Keras model as a backbone, with the weights that it has."""

import keras

from elf_keras.errors import InputError
from elf_keras.models import layer_graph
from elf_keras.models.backbones import rebuilt, tap_rule
from elf_keras.models.backbones.given_file import EXPECTED_LAYERS, OPAQUE
from elf_keras.models.backbones.tapped import Pixels, TappedBackbone
from elf_keras.models.multi_exit_model import MultiExitModel

# Its own first layers normalize: it is handed pixel values as they are.
AS_THEY_ARE = Pixels(0.0, 1.0)
REGISTERED = (
    'decorate its class with @keras.saving.register_keras_serializable("NAME")'
)
_EXPECTED_MAP = (
    "expected a last feature map that every path to the output crosses"
)


def backbone(
    inputs: keras.KerasTensor, *, model: keras.Model, told: str
) -> TappedBackbone:
    """Build a copy of a model up to its last feature map, on normalized images.

    Its own preprocessing stays, as do all weights; its classifier and
    augmentation are left out, inner models taken apart. Taps lie by
    `tap_rule.find` and where that leaves gaps.

    Args:
      inputs: images, `(batch, height, width, channels)`.
      model: functional or sequential, of one input and one output.
      told: what an error names it by.

    Raises:
      InputError: for a model that is no such backbone, or takes other images.
    """
    check(model, inputs.shape[1:], told)
    try:
        made = rebuilt.rebuild(
            model, inputs, names=rebuilt.own_names(model), weights=True
        )
    except (ValueError, TypeError, LookupError) as error:
        reason = str(error).strip().partition("\n")[0]
        raise InputError(
            f"{told} cannot be built for images of {inputs.shape[1:]}: {reason}"
        ) from error
    features = _last_map([*made.values()][-1], told)
    taps = tap_rule.find(features, min(inputs.shape[1:3]))
    taps = tap_rule.without_gaps(features, taps)
    return TappedBackbone(inputs, taps, features, "separable")


def check(model: keras.Model, image_shape, told: str) -> None:
    """Refuse a model that is no backbone, and images that it does not take.

    Raises:
      InputError: as `backbone`, before anything is built.
    """
    if isinstance(model, MultiExitModel):
        raise InputError(
            f"{told} has exits already; name the backbone that it was built "
            "on, and give its weights to the new model (--weights)"
        )
    _check_graph(model, told)
    refused = [_refusal(layer) for layer, _ in rebuilt.operations(model)]
    if any(refused):
        raise InputError(
            f"{told} has {', '.join(filter(None, refused))}; "
            f"{EXPECTED_LAYERS}; or {REGISTERED}"
        )
    _check_images(model, image_shape, told)


def is_unknown(kind: type) -> bool:
    """Whether a layer's class is one that no file of a model can name."""
    if kind.__module__.partition(".")[0] in ("keras", "elf_keras"):
        return False
    # Without a package it is the bare name, which Keras does not look up.
    return keras.saving.get_registered_name(kind) == kind.__name__


def notes(model: keras.Model) -> list[str]:
    """Return what a user should know of how a model is taken."""
    found = []
    layers = [layer for layer, _ in rebuilt.operations(model)]
    left_out = [each.name for each in layers if rebuilt.is_augmentation(each)]
    if left_out:
        found.append(
            f"its layers {', '.join(left_out)} are left out: --augmentation "
            "changes the images"
        )
    if not any(isinstance(each, rebuilt.PREPROCESSING) for each in layers):
        found.append(
            "it begins with neither a Rescaling nor a Normalization layer, and "
            "gets pixel values 0 to 255 as they are"
        )
    return found


def _check_graph(model, told):
    """Refuse it where it is no graph from one image to one output."""
    if not getattr(model, "inputs", None) or not model.outputs:
        raise InputError(
            f"{told} is a {type(model).__name__} without a graph of layers; "
            "expected a functional model, or a sequential one with an Input"
        )
    for what, found in ("inputs", model.inputs), ("outputs", model.outputs):
        if len(found) != 1:
            raise InputError(
                f"{told} has {len(found)} {what}; expected a model of one "
                "image and one output, such as keras.Model(image, features)"
            )
    for inner in rebuilt.as_functional(model).operations:
        if isinstance(inner, keras.Model):
            _check_graph(inner, f"{told}: its inner model {inner.name}")


def _refusal(layer):
    """What keeps a layer out, in words, or None."""
    kind = type(layer)
    told = f"{layer.name} ({kind.__name__})"
    if is_unknown(kind) or kind.__name__ in OPAQUE:
        return f"the custom layer {told}"
    if getattr(layer, "data_format", None) == "channels_first":
        return f"the layer {told} with channels first"
    return None


def _check_images(model, shape, told):
    takes = model.inputs[0].shape[1:]
    if len(takes) != 3:
        raise InputError(
            f"{told} takes inputs of shape {takes}, expected images (height, "
            "width, channels)"
        )
    if any(a not in (None, b) for a, b in zip(takes, shape, strict=True)):
        sides = " x ".join("any" if n is None else str(n) for n in takes)
        raise InputError(
            f"{told} takes images of {sides}, these are of "
            f"{' x '.join(map(str, shape))} (height, width, channels); give "
            "images of its side (--image_size, without --magnification_limit), "
            "or a model that takes these"
        )


def _last_map(output, told):
    """The last feature map, before pooling and classifier."""
    chain = layer_graph.feature_maps(output)
    before = []
    for call in chain:
        if type(call.operation).__name__.startswith("Global"):
            break
        before.append(call)
    maps = [call for call in before if len(call.outputs[0].shape) == 4]
    if not maps:
        raise InputError(
            f"{told} has no spatial features: {_EXPECTED_MAP}, (batch, height, "
            "width, channels)"
        )
    last = maps[-1]
    known = {id(call) for call in layer_graph.calls(last.outputs)}
    for call in layer_graph.calls([output]):
        shape = call.outputs[0].shape
        spatial = len(shape) == 4 and max(shape[1:3]) > 1
        later = id(call) not in known
        if later and spatial and layer_graph.has_kernel(call.operation):
            raise InputError(
                f"{told}: from {last.operation.name} on, several paths lead "
                f"past {call.operation.name} to its pooling; {_EXPECTED_MAP}"
            )
    return last.outputs[0]
