"""The one building block that backbones and exits share."""

from keras import layers

from elf_keras.batch_normalization import BatchNormalization


def conv_norm_relu(
    x, filters, *, name, stride=1, synchronized=False, activation="relu"
):
    """3x3 convolution without bias, batch norm, and an activation or none.

    Padding is one pixel on each side at any stride, as in PyTorch, so that
    strided convolutions see the same pixels as the shortcut.
    """
    if stride > 1:
        x = layers.ZeroPadding2D(1, name=f"{name}_pad")(x)
    x = layers.Conv2D(
        filters,
        3,
        strides=stride,
        padding="same" if stride == 1 else "valid",
        use_bias=False,
        kernel_initializer="he_normal",
        name=f"{name}_conv",
    )(x)
    x = BatchNormalization(synchronized=synchronized, name=f"{name}_norm")(x)
    if activation:
        x = layers.Activation(activation, name=f"{name}_{activation}")(x)
    return x
