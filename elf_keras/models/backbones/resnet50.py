"""ResNet-50 in its usual form: v1.5, the stride in a block's 3x3.

He et al. 2016, Table 1: bottleneck blocks 3-4-6-3 of 64, 128, 256 and 512
filters, four times as many at a block's end. Version 1 strides in the first
1x1, which skips three of four pixels. The taps lie before each group, as in
HAR, Fig. 8b.
"""

import functools

import keras
from keras import layers

from elf_keras.errors import InputError
from elf_keras.models.backbones.tapped import TappedBackbone
from elf_keras.models.layers import conv_norm, conv_norm_relu

GROUP_BLOCKS = (3, 4, 6, 3)
GROUP_FILTERS = (64, 128, 256, 512)
EXPANSION = 4
# Five halvings must leave one pixel.
SMALLEST_SIDE = 32


def resnet50(
    inputs: keras.KerasTensor,
    features: keras.KerasTensor,
    *,
    synchronized: bool = False,
) -> TappedBackbone:
    """Build a ResNet-50 v1.5 with a tap before each of its four groups.

    Args:
      inputs: the model's input, kept for the record.
      features: normalized images, `(batch, height, width, channels)`.
      synchronized: batch statistics over all replicas.

    Returns:
      The backbone with taps `group_1` to `group_4`.

    Raises:
      InputError: for images too small to be halved five times.
    """
    side = min(features.shape[1:3])
    if side < SMALLEST_SIDE:
        raise InputError(
            f"images of side {side} are too small for a ResNet-50: expected "
            f"at least {SMALLEST_SIDE} pixels; set a larger --image_size"
        )
    x = conv_norm_relu(
        features,
        GROUP_FILTERS[0],
        name="stem",
        kernel_size=7,
        stride=2,
        synchronized=synchronized,
    )
    # After a ReLU zeros are never the largest, so that they pad a maximum.
    x = layers.ZeroPadding2D(1, name="stem_pool_pad")(x)
    x = layers.MaxPooling2D(3, strides=2, name="stem_pool")(x)
    taps = {}
    groups = zip(GROUP_BLOCKS, GROUP_FILTERS, strict=True)
    for group, (blocks, filters) in enumerate(groups, start=1):
        taps[f"group_{group}"] = x
        for block in range(1, blocks + 1):
            build_block = functools.partial(
                _bottleneck_block,
                x=x,
                filters=filters,
                stride=2 if group > 1 and block == 1 else 1,
                synchronized=synchronized,
            )
            x = build_block(f"group_{group}_block_{block}")
    return TappedBackbone(
        inputs, taps, x, head="separable", twin_block=build_block
    )


def _bottleneck_block(name, *, x, filters, stride, synchronized):
    shortcut, wide = x, EXPANSION * filters
    if shortcut.shape[-1] != wide:
        shortcut = conv_norm(
            shortcut,
            wide,
            name=f"{name}_shortcut",
            kernel_size=1,
            stride=stride,
            synchronized=synchronized,
        )
    for number, (size, step) in enumerate(((1, 1), (3, stride)), start=1):
        x = conv_norm_relu(
            x,
            filters,
            name=f"{name}_{number}",
            kernel_size=size,
            stride=step,
            synchronized=synchronized,
        )
    x = conv_norm(
        x, wide, name=f"{name}_3", kernel_size=1, synchronized=synchronized
    )
    x = layers.Add(name=f"{name}_add")([shortcut, x])
    return layers.ReLU(name=f"{name}_relu")(x)
