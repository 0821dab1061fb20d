"""Any model of `keras.applications` as a backbone, with taps found by rule."""

import keras

from elf_keras.errors import InputError
from elf_keras.models import layer_graph
from elf_keras.models.backbones import tap_rule
from elf_keras.models.backbones.rebuilt import PREPROCESSING, rebuild
from elf_keras.models.backbones.tapped import TappedBackbone


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
    features = [*made.values()][-1]
    found = {tap: made[tap] for tap in taps}
    if not found:
        found = tap_rule.find(features, min(inputs.shape[1:3]))
    return TappedBackbone(inputs, found, features, head)


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
        if not isinstance(call.operation, PREPROCESSING):
            break
        start = call
    return keras.Model(start.outputs[0], model.output, name=model.name)
