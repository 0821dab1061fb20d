"""ResNets for small images: three block groups, parameter-free shortcuts.

He et al. 2016, Sec. 4.2: depth 6n + 2, n basic blocks in each of three
groups of 16, 32 and 64 filters; shortcut option A (stride, then zero
channels). The taps lie before each group, as in HAR, Fig. 8a.
"""

import functools

import keras
from keras import layers, ops

from elf_keras.errors import InputError
from elf_keras.models.backbones.tapped import TappedBackbone
from elf_keras.models.exit_heads import HEAD_FILTERS
from elf_keras.models.layers import conv_norm, conv_norm_relu

GROUP_FILTERS = (16, 32, 64)
# Two halvings must leave at least one pixel.
SMALLEST_SIDE = 4


@keras.saving.register_keras_serializable("elf_keras")
class ZeroPaddedShortcut(layers.Layer):
    """Shortcut without parameters: every n-th pixel, new channels zero.

    Args:
      filters: channels of the result, at least those of the input.
      stride: step in pixels.
      **kwargs: as in `keras.layers.Layer`.
    """

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


def cifar_resnet(
    inputs: keras.KerasTensor,
    features: keras.KerasTensor,
    *,
    depth: int,
    synchronized: bool = False,
) -> TappedBackbone:
    """Build a ResNet of depth 6n + 2 with a tap before each group.

    Args:
      inputs: the model's input, kept for the record.
      features: normalized images, `(batch, height, width, channels)`.
      depth: 8, 20, 32, 44, 56, 110 or any other 6n + 2.
      synchronized: batch statistics over all replicas.

    Returns:
      The backbone with taps `group_1`, `group_2`, `group_3`.

    Raises:
      InputError: for another depth, or images too small to be halved twice.
    """
    if depth < 8 or (depth - 2) % 6:
        raise InputError(f"depth {depth}: expected 6n + 2, such as 8, 20, 32")
    side = min(features.shape[1:3])
    if side < SMALLEST_SIDE:
        raise InputError(
            f"images of side {side} are too small for a CIFAR ResNet: expected "
            f"at least {SMALLEST_SIDE} pixels; set a larger --image_size"
        )
    x = conv_norm_relu(
        features, GROUP_FILTERS[0], name="stem", synchronized=synchronized
    )
    taps = {}
    for group, filters in enumerate(GROUP_FILTERS, start=1):
        taps[f"group_{group}"] = x
        for block in range(1, (depth - 2) // 6 + 1):
            build_block = functools.partial(
                _basic_block,
                x=x,
                filters=filters,
                stride=2 if group > 1 and block == 1 else 1,
                synchronized=synchronized,
            )
            x = build_block(f"group_{group}_block_{block}")
    return TappedBackbone(
        inputs, taps, x, "pooled", HEAD_FILTERS, twin_block=build_block
    )


def _basic_block(name, *, x, filters, stride, synchronized):
    shortcut = x
    x = conv_norm_relu(
        x, filters, name=f"{name}_1", stride=stride, synchronized=synchronized
    )
    x = conv_norm(x, filters, name=f"{name}_2", synchronized=synchronized)
    if stride > 1:
        shortcut = ZeroPaddedShortcut(filters, stride, name=f"{name}_shortcut")(
            shortcut
        )
    x = layers.Add(name=f"{name}_add")([shortcut, x])
    return layers.ReLU(name=f"{name}_relu")(x)
