"""EfficientNet-Lite0: inverted residuals for phones, without gates.

EfficientNet-B0 (Tan and Le 2019, *EfficientNet*, Table 1) with ReLU6 in place
of swish and without squeeze-and-excitation, so that integers lose little; stem
and last convolution keep their width. Padding is TensorFlow's "same", at odd
sides one pixel more below and on the right: what the published weights were
trained with.
"""

import itertools
from typing import NamedTuple

import keras
from keras import layers

from elf_keras.models.backbones.tapped import TappedBackbone, check_side
from elf_keras.models.layers import BatchNormalization, depthwise_norm_relu6


class Group(NamedTuple):
    """Blocks of one shape; the first has the stride and changes the width.

    Attributes:
      kernel: side of the depthwise kernels.
      stride: of the first block; the others have 1.
      expansion: how many times as wide a block is inside as its input.
      filters: channels that each block hands on.
      blocks: how many there are.
    """

    kernel: int
    stride: int
    expansion: int
    filters: int
    blocks: int


GROUPS = (
    Group(3, 1, 1, 16, 1),
    Group(3, 2, 6, 24, 2),
    Group(5, 2, 6, 40, 2),
    Group(3, 2, 6, 80, 3),
    Group(5, 1, 6, 112, 3),
    Group(5, 2, 6, 192, 4),
    Group(3, 1, 6, 320, 1),
)
BLOCKS = sum(group.blocks for group in GROUPS)
STEM_FILTERS = 32
FEATURES = 1280
# An exit may read the last block of a group. Before those of the last two
# groups come 87 and 95 % of the cost: an exit there saves nothing.
TAPPED_GROUPS = 5
# A head as wide as its tap is too narrow: a block hands on a sixth of the
# width that it sees inside.
HEAD_FILTERS = ((64, 128), (96, 192), (128, 256), (256, 384), (320, 448))
# Five halvings must leave one pixel.
SMALLEST_SIDE = 32
EPSILON = 1e-3


def efficientnet_lite0(inputs: keras.KerasTensor) -> TappedBackbone:
    """Build EfficientNet-Lite0 on normalized images.

    Its taps are the last blocks of the first five groups: 5, 20, 30, 41 and
    63 % of its multiply-adds come before them.

    Args:
      inputs: `(batch, height, width, channels)`.

    Raises:
      InputError: for images too small to be halved five times.
    """
    check_side(inputs, SMALLEST_SIDE, "an EfficientNet-Lite0")
    x = _convolution(inputs, STEM_FILTERS, "stem", kernel=3, stride=2)
    x = _relu6(x, "stem")
    taps, numbers = {}, itertools.count()
    for group in GROUPS:
        for first in (True, *[False] * (group.blocks - 1)):
            name = f"block_{next(numbers)}"
            x = _block(x, group, group.stride if first else 1, name)
        if len(taps) < TAPPED_GROUPS:
            taps[name] = x
    features = _relu6(_convolution(x, FEATURES, "top", kernel=1), "top")
    return TappedBackbone(inputs, taps, features, "inverted", HEAD_FILTERS)


def _block(x, group, stride, name):
    """Widen, filter each channel, project; add the input where it fits."""
    start, width = x, x.shape[-1]
    if group.expansion > 1:
        inner = f"{name}_expand"
        x = _convolution(x, width * group.expansion, inner, kernel=1)
        x = _relu6(x, inner)
    inner = f"{name}_depthwise"
    x = depthwise_norm_relu6(
        x, group.kernel, name=inner, stride=stride, epsilon=EPSILON
    )
    x = _convolution(x, group.filters, f"{name}_project", kernel=1)
    if stride == 1 and width == group.filters:
        x = layers.Add(name=f"{name}_add")([start, x])
    return x


def _convolution(x, filters, name, *, kernel, stride=1):
    """Convolution without bias, then batch norm."""
    x = layers.Conv2D(
        filters,
        kernel,
        strides=stride,
        padding="same",
        use_bias=False,
        kernel_initializer="he_normal",
        name=f"{name}_conv",
    )(x)
    return BatchNormalization(epsilon=EPSILON, name=f"{name}_norm")(x)


def _relu6(x, name):
    return layers.ReLU(6.0, name=f"{name}_relu")(x)
