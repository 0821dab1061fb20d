"""The building block that backbones and exits share."""

from keras import layers

from elf_keras.models.batch_normalization import BatchNormalization


def conv_norm(x, filters, *, name, kernel_size=3, stride=1, synchronized=False):
    """Square convolution without bias, then batch norm.

    Padding is the same on each side at any stride, as in PyTorch, so that
    strided convolutions see the same pixels as the shortcut.
    """
    padding = kernel_size // 2
    if stride > 1 and padding:
        x = layers.ZeroPadding2D(padding, name=f"{name}_pad")(x)
    x = layers.Conv2D(
        filters,
        kernel_size,
        strides=stride,
        padding="same" if stride == 1 else "valid",
        use_bias=False,
        kernel_initializer="he_normal",
        name=f"{name}_conv",
    )(x)
    return BatchNormalization(synchronized=synchronized, name=f"{name}_norm")(x)


def conv_norm_relu(
    x, filters, *, name, kernel_size=3, stride=1, synchronized=False
):
    """`conv_norm` and a ReLU."""
    x = conv_norm(
        x,
        filters,
        name=name,
        kernel_size=kernel_size,
        stride=stride,
        synchronized=synchronized,
    )
    return layers.Activation("relu", name=f"{name}_relu")(x)
