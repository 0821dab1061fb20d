"""Weights of `keras.applications`, and the pixels that they expect."""

import contextlib
import os
import pathlib
import re
import sys
import warnings

import keras
import numpy as np

from elf_keras.errors import InputError
from elf_keras.models.backbones import application_name
from elf_keras.models.backbones.applications import (
    construct,
    without_preprocessing,
)
from elf_keras.models.backbones.rebuilt import rebuild
from elf_keras.models.backbones.tapped import Pixels

# What the published weights expect: mean and deviation of red, green, blue.
# The longest prefix of a model's name counts.
TF = Pixels((127.5, 127.5, 127.5), (127.5, 127.5, 127.5))
TF_128 = Pixels((128.0, 128.0, 128.0), (128.0, 128.0, 128.0))
TORCH = Pixels((123.675, 116.28, 103.53), (58.395, 57.12, 57.375))
# Blue first, too: the first kernel is turned round instead.
CAFFE = Pixels((123.68, 116.779, 103.939), (1.0, 1.0, 1.0))
EXPECTED_PIXELS = {
    "ConvNeXt": TORCH,
    "DenseNet": TORCH,
    "EfficientNetB": TORCH,
    "EfficientNetV2": TF_128,
    "EfficientNetV2B": TORCH,
    "Inception": TF,
    "MobileNet": TF,
    "NASNet": TF,
    "ResNet": CAFFE,
    "ResNet50V2": TF,
    "ResNet101V2": TF,
    "ResNet152V2": TF,
    "VGG": CAFFE,
    "Xception": TF,
}


def load(
    backbone: str, weights: str, image_shape
) -> tuple[keras.Model, Pixels]:
    """Load weights of `keras.applications` for a backbone.

    Args:
      backbone: `densenet169` or `keras:` and a name.
      weights: `imagenet`, or a file without classification layers, `.h5`.

    Returns:
      A model from normalized images to features, its layers named as in
      `backbones.applications`, and how pixels are normalized for it.

    Raises:
      InputError: for a backbone without such weights, a missing file, weights
        or images that do not fit, and without network.
    """
    name = application_name(backbone)
    if not name:
        raise InputError(
            f"--weights={weights}: there are no such weights for --backbone="
            f"{backbone}, only for densenet169 and keras:NAME; give the "
            "model.keras of a run with this backbone, none, or pretrained for "
            "efficientnet_lite0"
        )
    if weights != "imagenet" and not pathlib.Path(weights).is_file():
        raise InputError(
            f"--weights={weights}: no such file; expected imagenet, none, a "
            "model.keras, or an .h5 file of keras.applications"
        )
    if image_shape[-1] != 3:
        raise InputError(
            f"--weights={weights}: such weights expect images of 3 channels, "
            f"these have {image_shape[-1]}; use --weights=none"
        )
    model = _copy(
        without_preprocessing(_constructed(name, weights, image_shape))
    )
    expected = expected_pixels(name)
    if expected is CAFFE:
        _take_red_first(model)
    return model, expected


def expected_pixels(name: str) -> Pixels:
    """Return mean and deviation for a model of `keras.applications`."""
    known = [prefix for prefix in EXPECTED_PIXELS if name.startswith(prefix)]
    return EXPECTED_PIXELS[max(known, key=len)]


def _constructed(name, weights, image_shape):
    try:
        # Keras tells of a download on the standard output, and warns once
        # per layer of a file that it then refuses.
        with (
            contextlib.redirect_stdout(sys.stderr),
            warnings.catch_warnings(),
        ):
            warnings.simplefilter("ignore")
            return construct(name, image_shape, weights)
    except InputError as error:
        if weights == "imagenet":
            raise
        raise InputError(
            f"{error}; expected weights of this very model without "
            "classification layers (notop)"
        ) from error
    except Exception as error:
        # Keras' download raises nothing more special.
        address = re.search(r"URL fetch failure on (\S+?):? ", f"{error} ")
        if not address:
            raise
        file = address[1].rpartition("/")[2]
        raise InputError(
            f"the imagenet weights of keras:{name} cannot be downloaded; "
            f"fetch {address[1]} elsewhere, then put {file} into "
            f"{os.environ.get('KERAS_HOME', '~/.keras')}/models or give "
            f"--weights=FOLDER/{file}"
        ) from error


def _copy(bare):
    """Return the model with our names and normalizations, same weights."""
    features = keras.Input(bare.input.shape[1:])
    made = rebuild(bare, features, weights=True)
    return keras.Model(features, list(made.values())[-1], name=bare.name)


def _take_red_first(model):
    """Turn the first kernel round: these weights expect blue first."""
    first = next(layer for layer in model.layers if layer.weights)
    kernel, *others = first.get_weights()
    first.set_weights([np.flip(kernel, axis=2), *others])
