"""Residual networks: those of small images, and ResNet-50.

He et al. 2016. For small images (Sec. 4.2) depth 6n + 2: n basic blocks in
each of three groups of 16, 32 and 64 filters; shortcut option A (stride, then
zero channels). ResNet-50 (Table 1) in its usual form, v1.5: bottleneck blocks
3-4-6-3 of 64, 128, 256 and 512 filters, four times as many at a block's end,
the stride in the 3x3 (in the first 1x1 it would skip three of four pixels).
The taps lie before each group, as in HAR, Fig. 8a and 8b.
"""

import functools

import keras
from keras import layers, ops

from elf_keras.errors import InputError
from elf_keras.models.backbones.tapped import TappedBackbone, check_side
from elf_keras.models.exit_heads import HEAD_FILTERS
from elf_keras.models.layers import conv_norm, conv_norm_relu

SMALL_FILTERS = (16, 32, 64)
# Two halvings must leave at least one pixel.
SMALL_SIDE = 4
LARGE_GROUPS = ((3, 64), (4, 128), (6, 256), (3, 512))
# Five halvings must leave one pixel.
LARGE_SIDE = 32
EXPANSION = 4


@keras.saving.register_keras_serializable("elf_keras")
class ZeroPaddedShortcut(layers.Layer):
    """Shortcut without parameters: every n-th pixel, new channels zero."""

    def __init__(self, filters, stride, **kwargs):
        super().__init__(**kwargs)
        self.filters = filters
        self.stride = stride

    def call(self, inputs):
        """Return `(batch, height / stride, width / stride, filters)`."""
        new = self.filters - inputs.shape[-1]
        thinned = inputs[:, :: self.stride, :: self.stride, :]
        before = new // 2
        return ops.pad(thinned, [[0, 0]] * 3 + [[before, new - before]])

    def get_config(self):
        """Return the arguments that rebuild the layer."""
        return {
            **super().get_config(),
            "filters": self.filters,
            "stride": self.stride,
        }


def cifar_resnet(inputs: keras.KerasTensor, *, depth: int) -> TappedBackbone:
    """Build a ResNet of depth 6n + 2, a tap `group_…` before each group.

    Raises:
      InputError: for another depth, or images too small to be halved twice.
    """
    if depth < 8 or (depth - 2) % 6:
        raise InputError(f"depth {depth}: expected 6n + 2, such as 8, 20, 32")
    check_side(inputs, SMALL_SIDE, "a CIFAR ResNet")
    stem = conv_norm_relu(inputs, SMALL_FILTERS[0], name="stem")
    groups = [((depth - 2) // 6, filters) for filters in SMALL_FILTERS]
    taps, features, last_block = _groups(stem, groups, _basic_block)
    filters = (HEAD_FILTERS,) * len(taps)
    return TappedBackbone(inputs, taps, features, "pooled", filters, last_block)


def resnet50(inputs: keras.KerasTensor) -> TappedBackbone:
    """Build a ResNet-50 v1.5, a tap `group_…` before each of its four groups.

    Raises:
      InputError: for images too small to be halved five times.
    """
    check_side(inputs, LARGE_SIDE, "a ResNet-50")
    x = conv_norm_relu(inputs, 64, name="stem", kernel_size=7, stride=2)
    # After a ReLU zeros are never the largest, so that they pad a maximum.
    x = layers.ZeroPadding2D(1, name="stem_pool_pad")(x)
    x = layers.MaxPooling2D(3, strides=2, name="stem_pool")(x)
    taps, features, last_block = _groups(x, LARGE_GROUPS, _bottleneck_block)
    return TappedBackbone(
        inputs, taps, features, "separable", twin_block=last_block
    )


def _groups(x, groups, block):
    """Return taps, features, and what makes the last block by another name.

    Each group, `(blocks, filters)`, but the first halves the resolution.
    """
    taps = {}
    for group, (blocks, filters) in enumerate(groups, start=1):
        taps[f"group_{group}"] = x
        for number in range(1, blocks + 1):
            stride = 2 if group > 1 and number == 1 else 1
            make = functools.partial(block, x, filters, stride)
            x = make(f"group_{group}_block_{number}")
    return taps, x, make


def _basic_block(x, filters, stride, name):
    shortcut = x
    x = conv_norm_relu(x, filters, name=f"{name}_1", stride=stride)
    x = conv_norm(x, filters, name=f"{name}_2")
    if stride > 1:
        shortcut = ZeroPaddedShortcut(filters, stride, name=f"{name}_shortcut")(
            shortcut
        )
    x = layers.Add(name=f"{name}_add")([shortcut, x])
    return layers.ReLU(name=f"{name}_relu")(x)


def _bottleneck_block(x, filters, stride, name):
    shortcut, wide = x, EXPANSION * filters
    if shortcut.shape[-1] != wide:
        shortcut = conv_norm(
            x, wide, name=f"{name}_shortcut", kernel_size=1, stride=stride
        )
    x = conv_norm_relu(x, filters, name=f"{name}_1", kernel_size=1)
    x = conv_norm_relu(x, filters, name=f"{name}_2", stride=stride)
    x = conv_norm(x, wide, name=f"{name}_3", kernel_size=1)
    x = layers.Add(name=f"{name}_add")([shortcut, x])
    return layers.ReLU(name=f"{name}_relu")(x)
