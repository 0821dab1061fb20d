"""Bodies of the early exits: two 3x3 convolutions.

HAR, Appendix B: 64 filters on a CIFAR ResNet, on larger backbones as many as
the tap has channels. Pooling and classifier follow, see `classifier`. Taken
literally (stride 1) three of them cost more than a ResNet-32, so the forms
here downsample; see the README for their costs.
"""

from keras import layers

from elf_keras.models.batch_normalization import BatchNormalization
from elf_keras.models.blocks import conv_norm_relu

# Of CIFAR ResNets.
HEAD_FILTERS = 64
# Side to which the pooled head averages its tap first.
POOLED_SIDE = 8


def conv_head(tap, *, name, filters=HEAD_FILTERS, stride=2, synchronized=False):
    """Two plain convolutions; stride 1 is the papers' literal form.

    Args:
      tap: feature map, `(batch, height, width, channels)`.
      name: prefix of the layers' names.
      filters: of both convolutions.
      stride: stride of both convolutions.
      synchronized: batch statistics over all replicas.

    Returns:
      Feature map of `filters` channels.
    """
    for number in (1, 2):
        tap = conv_norm_relu(
            tap,
            filters,
            name=f"{name}_{number}",
            stride=stride,
            synchronized=synchronized,
        )
    return tap


def pooled_head(
    tap, *, name, filters=HEAD_FILTERS, stride=2, synchronized=False
):
    """Average to 8x8, then two plain convolutions, the second strided.

    Arguments and result as in `conv_head`.
    """
    factor = max(1, min(tap.shape[1:3]) // POOLED_SIDE)
    tap = layers.AveragePooling2D(factor, name=f"{name}_reduce")(tap)
    for number, step in ((1, 1), (2, stride)):
        tap = conv_norm_relu(
            tap,
            filters,
            name=f"{name}_{number}",
            stride=step,
            synchronized=synchronized,
        )
    return tap


def separable_head(
    tap, *, name, filters=HEAD_FILTERS, stride=2, synchronized=False
):
    """Two depthwise-separable convolutions, both strided.

    Padding is TensorFlow's "same": at stride 2, bottom and right only.
    Arguments and result as in `conv_head`.
    """
    for number in (1, 2):
        tap = layers.SeparableConv2D(
            filters,
            3,
            strides=stride,
            padding="same",
            use_bias=False,
            depthwise_initializer="he_normal",
            pointwise_initializer="he_normal",
            name=f"{name}_{number}_conv",
        )(tap)
        tap = BatchNormalization(
            synchronized=synchronized, name=f"{name}_{number}_norm"
        )(tap)
        tap = layers.ReLU(name=f"{name}_{number}_relu")(tap)
    return tap


EXIT_HEADS = {
    "conv": conv_head,
    "pooled": pooled_head,
    "separable": separable_head,
}
