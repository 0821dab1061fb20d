"""Models with early exits: build them, view statically, cut into stages.

A model maps pixel values 0 to 255 to a dict of named outputs `exit_1 …
exit_K`, logits `(batch, classes)` in float32; exits count from the input
and the last one is the backbone's own classifier. HAR, Fig. 1 and Fig. 8.
"""

from collections.abc import Sequence

import keras
import numpy as np
from keras import layers

from elf_keras.errors import InputError
from elf_keras.exits import exit_rule
from elf_keras.models import backbones, exit_heads
from elf_keras.models.backbones import tap_rule
from elf_keras.models.backbones.tapped import Pixels, TappedBackbone
from elf_keras.models.exit_heads import EXIT_HEADS, Heads, classify
from elf_keras.models.multi_exit_model import MultiExitModel

_NORMALIZE = "normalize"


def build(
    image_shape: tuple[int, int, int] | None = None,
    classes: int | None = None,
    *,
    backbone: str | keras.Model = "resnet32",
    exits: str | Sequence[str] = "all",
    taps: Sequence[str] | None = None,
    heads: Heads = exit_heads.OWN,
    pixels: Pixels | None = None,
) -> MultiExitModel:
    """Build a multi-exit classifier.

    Under a strategy of several replicas batch statistics are those of all.

    Args:
      image_shape: height, width, channels; by default those that a
        functional model takes.
      classes: number of classes C ≥ 2; by default those that a functional
        model tells apart, whose classifier is left out.
      backbone: a name that `backbones.find` knows, or any functional model,
        whose weights are copied.
      exits: `all`, `none` (the bare backbone), or tap numbers as `1,3`; or
        what `taps` takes.
      taps: names of layers whose outputs early exits read, from the image on;
        None for those that the backbone or a rule names.
      pixels: mean and deviation of the training pixels; by default to -1 … 1,
        and for a functional model 0 to 255 as they are.

    Returns:
      A model that takes pixel values 0 to 255 and normalizes them itself.

    Raises:
      InputError: for unknown names, values out of range, images too small
        for the backbone, and layers that are no place for an exit.

    Example:
      >>> model = build((32, 32, 3), 10, backbone="resnet8")
      >>> sorted(model.output)
      ['exit_1', 'exit_2', 'exit_3', 'exit_4']
    """
    image_shape, classes = _sizes(image_shape, classes, backbone)
    image, tapped = on_pixels(image_shape, backbone, pixels)
    if taps is None and not isinstance(exits, str):
        taps, exits = exits, "all" if exits else "none"
    if taps is not None:
        tapped = tap_rule.at(tapped, _names(taps))
        exits = exits if tapped.taps else "none"
    taps = tapped.chosen(exits)
    pairs = heads.filters_or(tapped.filters(taps))
    *early, last = exit_rule.exit_names(len(taps) + 1)
    body = EXIT_HEADS[tapped.head if heads.body == "auto" else heads.body]
    outputs = {}
    for name, tap, filters in zip(early, taps.values(), pairs, strict=True):
        # A stable address for the tensor between two stages.
        tap = layers.Identity(name=f"{name}_tap")(tap)
        read = body(tap, name=name, filters=filters, stride=heads.stride)
        outputs[name] = classify(read, classes, name=name, cosine=heads.cosine)
    outputs[last] = classify(
        tapped.features, classes, name=last, cosine=heads.cosine
    )
    return MultiExitModel(image, outputs, name=backbones.told(backbone))


def _sizes(image_shape, classes, backbone):
    """Return both, those of a functional model where they are not given."""
    if isinstance(image_shape, str | keras.Model):
        name = getattr(image_shape, "name", repr(image_shape))
        raise InputError(
            f"the first argument is {name}: expected the image shape; a "
            "backbone comes after its keyword: build(backbone=…, classes=10)"
        )
    if isinstance(backbone, keras.Model) and getattr(backbone, "inputs", None):
        output = tuple(backbone.outputs[0].shape)
        if image_shape is None:
            image_shape = tuple(backbone.inputs[0].shape[1:])
        # Of features there is no telling.
        last = backbone.layers[-1]
        ends = isinstance(last, (layers.Dense, layers.Activation))
        if classes is None and len(output) == 2 and ends:
            classes = output[-1]
    for name, value in ("image_shape", image_shape), ("classes", classes):
        if value is None:
            raise InputError(
                f"{name} is missing, and the backbone does not tell it: call "
                "build((height, width, channels), classes, backbone=…)"
            )
    return image_shape, classes


def _names(taps):
    """Return names of layers; one name alone is no list of letters."""
    if isinstance(taps, str) or not all(isinstance(n, str) for n in taps):
        raise InputError(
            f"taps={taps!r}: expected names of layers, such as "
            '["block_2_add", "block_5_add"]'
        )
    return list(taps)


def on_pixels(
    image_shape: tuple[int, int, int],
    backbone: str | keras.Model,
    pixels: Pixels | None,
) -> tuple[keras.KerasTensor, TappedBackbone]:
    """Return the image, pixel values 0 to 255, and a backbone on it.

    Arguments and errors are those of `build`.
    """
    mean, deviation = map(np.asarray, pixels or backbones.pixels_of(backbone))
    _check(image_shape, deviation)
    build_backbone = backbones.find(backbone)
    image = keras.Input(image_shape, name="image")
    # float32: the input is not rounded before it is centred.
    normalize = layers.Rescaling(
        scale=_numbers(1 / deviation),
        offset=_numbers(-mean / deviation),
        dtype="float32",
        name=_NORMALIZE,
    )
    return image, build_backbone(normalize(image))


def pixels_of(model: keras.Model) -> Pixels:
    """Return how a model normalizes its images, which its weights expect."""
    normalize = model.get_layer(_NORMALIZE)
    scale, offset = map(np.asarray, (normalize.scale, normalize.offset))
    return Pixels(-offset / scale, 1 / scale)


def exits(model: keras.Model) -> int:
    """Return the number of exits K, the final one included."""
    return len(model.output_names)


def tap_names(model: keras.Model) -> list[str]:
    """Return the layer whose output each exit reads, the final one last."""
    names = exit_rule.exit_names(exits(model))
    # The last exit has no body: its tap feeds the pooling directly.
    pooling = _producer(_producer(model.output[names[-1]]).input)
    return [_producer(tap).name for tap in (*_taps(model), pooling.input)]


def static_view(model: keras.Model) -> keras.Model:
    """Return the bare backbone: the last exit alone, weights shared."""
    name = exit_rule.exit_names(exits(model))[-1]
    return MultiExitModel(model.inputs[0], {"exit_1": model.output[name]})


def stages(model: keras.Model) -> list[keras.Model]:
    """Cut a model at its taps into K stages that share its weights.

    Stage k maps the previous stage's features (the image, for k = 1) to
    `{"exit_k": logits, "features": what stage k+1 needs}`; the last one
    returns its logits only.
    """
    start, taps, result = model.inputs[0], _taps(model), []
    for name in exit_rule.exit_names(exits(model)):
        outputs = {name: model.output[name]}
        if taps:
            outputs["features"] = taps.pop(0)
        result.append(keras.Model(start, outputs))
        start = outputs.get("features")
    return result


def _taps(model):
    names = exit_rule.exit_names(exits(model))[:-1]
    return [model.get_layer(f"{name}_tap").input for name in names]


def _producer(tensor):
    return tensor._keras_history.operation


def _check(image_shape, deviation):
    if len(image_shape) != 3 or None in image_shape:
        raise InputError(
            f"image shape {image_shape}: expected height, width and channels, "
            "such as (32, 32, 3)"
        )
    if np.any(deviation <= 0):
        raise InputError(
            f"pixel deviation {deviation}: expected values above 0; "
            "are all images of one colour?"
        )


def _numbers(values):
    return np.asarray(values, "float64").tolist()
