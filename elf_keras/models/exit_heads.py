"""Exits: a body of two 3x3 convolutions, average pooling, a classifier.

HAR, Appendix B: 64 filters on a CIFAR ResNet, on larger backbones as many as
the tap has channels. Taken literally (stride 1) three such bodies cost more
than a ResNet-32, so the forms here downsample (docs/how-to/backbones.md has
their costs).
From a feature map `(batch, height, width, channels)` to one of as many channels
as the second convolution has filters; `filters` is that pair of numbers.
"""

import dataclasses
from collections.abc import Sequence

import keras
from keras import layers, ops

from elf_keras.errors import InputError
from elf_keras.models.layers import (
    BatchNormalization,
    conv_norm,
    conv_norm_relu,
    depthwise_norm_relu6,
)

# Of CIFAR ResNets.
HEAD_FILTERS = (64, 64)
# A convolution of more would be a mistake, and may not fit the memory.
MOST_FILTERS = 4096
# Side to which the pooled head averages its tap first.
POOLED_SIDE = 8
# And the inverted one its map before the last convolution.
INVERTED_SIDE = 5


def conv_head(tap, *, name, filters=HEAD_FILTERS, stride=2):
    """Two plain convolutions; stride 1 is the papers' literal form."""
    first, second = filters
    x = conv_norm_relu(tap, first, name=f"{name}_1", stride=stride)
    return conv_norm_relu(x, second, name=f"{name}_2", stride=stride)


def pooled_head(tap, *, name, filters=HEAD_FILTERS, stride=2):
    """Average to 8x8, then two plain convolutions, the second strided."""
    first, second = filters
    factor = max(1, min(tap.shape[1:3]) // POOLED_SIDE)
    x = layers.AveragePooling2D(factor, name=f"{name}_reduce")(tap)
    x = conv_norm_relu(x, first, name=f"{name}_1")
    return conv_norm_relu(x, second, name=f"{name}_2", stride=stride)


def separable_head(tap, *, name, filters=HEAD_FILTERS, stride=2):
    """Two depthwise-separable convolutions, both strided.

    Padding is TensorFlow's "same": at stride 2, bottom and right only.
    """
    for number, width in enumerate(filters, start=1):
        tap = layers.SeparableConv2D(
            width,
            3,
            strides=stride,
            padding="same",
            use_bias=False,
            depthwise_initializer="he_normal",
            pointwise_initializer="he_normal",
            name=f"{name}_{number}_conv",
        )(tap)
        tap = BatchNormalization(name=f"{name}_{number}_norm")(tap)
        tap = layers.ReLU(name=f"{name}_{number}_relu")(tap)
    return tap


def inverted_head(tap, *, name, filters=HEAD_FILTERS, stride=2):
    """An inverted residual block, averaged to 5x5 before its projection.

    What such a block hands on has no activation: pooled at once it says
    little, and integers hold it badly. The first convolution, 1x1, widens it.
    """
    first, second = filters
    x = _convolved_relu6(tap, first, name=f"{name}_1")
    x = depthwise_norm_relu6(x, 3, name=f"{name}_depthwise", stride=stride)
    factor = min(x.shape[1:3]) // INVERTED_SIDE
    if factor > 1:
        x = layers.AveragePooling2D(factor, name=f"{name}_reduce")(x)
    return _convolved_relu6(x, second, name=f"{name}_2")


def _convolved_relu6(x, filters, *, name):
    x = conv_norm(x, filters, name=name, kernel_size=1)
    return layers.ReLU(6.0, name=f"{name}_relu")(x)


EXIT_HEADS = {
    "conv": conv_head,
    "pooled": pooled_head,
    "separable": separable_head,
    "inverted": inverted_head,
}


@dataclasses.dataclass(frozen=True)
class Heads:
    """What the exits of a model have in common.

    Attributes:
      body: a key of `EXIT_HEADS`, or `auto`: the backbone's own.
      stride: of the bodies' convolutions, 1 or 2.
      cosine: cosine classifiers at every exit, as LDAM needs.
      filters: for each early exit, from the input on, a pair: filters of the
        body's first and second convolution, from 1 to 4096; None for the
        backbone's own.

    Raises:
      InputError: for another body or stride, or other filters.
    """

    body: str = "auto"
    stride: int = 2
    cosine: bool = False
    filters: tuple[tuple[int, int], ...] | None = None

    def __post_init__(self):
        if self.stride not in (1, 2):
            raise InputError(f"exit stride {self.stride}: expected 1 or 2")
        if self.body not in ("auto", *EXIT_HEADS):
            raise InputError(
                f"exit head {self.body!r} is unknown; choose auto or one of "
                f"{list(EXIT_HEADS)}"
            )
        for pair in self.filters or ():
            if not _is_pair(pair):
                raise InputError(
                    f"head filters {pair}: expected a pair of whole numbers "
                    f"from 1 to {MOST_FILTERS} for each early exit, such as "
                    "(64, 128)"
                )

    def filters_or(
        self, own: Sequence[tuple[int, int]]
    ) -> Sequence[tuple[int, int]]:
        """Return the pair of filters of each early exit.

        Args:
          own: the backbone's, which count where `filters` are None.

        Raises:
          InputError: where `filters` are those of another number of exits.
        """
        if self.filters is None:
            return own
        if len(self.filters) != len(own):
            raise InputError(
                f"head filters {self.filters}: {len(self.filters)} pairs for "
                f"{len(own)} early exits; give one for each exit but the last"
            )
        return self.filters


def _is_pair(found):
    """Whether these are filters of two convolutions."""
    if not isinstance(found, (tuple, list)) or len(found) != 2:
        return False
    whole = all(isinstance(number, int) for number in found)
    return whole and all(1 <= number <= MOST_FILTERS for number in found)


# Of the backbone's own form.
OWN = Heads()


@keras.saving.register_keras_serializable("elf_keras")
class CosineClassifier(layers.Layer):
    """Cosines between features and class vectors: z_c = f·v_c / (|f| |v_c|).

    No bias, unless it is `shifted`: then each class' cosine is added a fixed
    number, 0 at first, that training leaves alone. Computed in float32 under
    any policy: cosines of neighbouring classes differ by less than a bfloat16
    step.

    Reference: Cao et al. 2019 (LDAM), Sec. 3.2: features and class vectors
    of unit length.
    """

    def __init__(self, classes, shifted=False, **kwargs):
        super().__init__(**{"dtype": "float32", **kwargs})
        self.classes, self.shifted = classes, shifted

    def build(self, input_shape):
        """Create the class vectors, `(features, classes)`, and shifts."""
        self.kernel = self.add_weight(
            shape=(input_shape[-1], self.classes),
            initializer="glorot_uniform",
            name="kernel",
        )
        if self.shifted:
            self.shift = self.add_weight(
                shape=(self.classes,),
                initializer="zeros",
                trainable=False,
                name="shift",
            )

    def call(self, inputs):
        """Return cosines, `(batch, classes)`."""
        cosines = ops.matmul(
            ops.normalize(inputs, axis=-1), ops.normalize(self.kernel, axis=0)
        )
        return ops.add(cosines, self.shift) if self.shifted else cosines

    def get_config(self):
        """Return the arguments that rebuild the layer."""
        config = {**super().get_config(), "classes": self.classes}
        # Files without shifts are read by versions that know of none.
        return config | ({"shifted": True} if self.shifted else {})


def classify(features, classes: int, *, name: str, cosine: bool):
    """Average over the image, then a plain or a cosine classifier (for LDAM).

    Returns:
      Logits in float32, `(batch, classes)`, by the name of the exit.

    Raises:
      InputError: for fewer than two classes.
    """
    if classes < 2:
        raise InputError(
            f"classes: {classes}; a classifier needs at least 2, check the data"
        )
    pooled = layers.GlobalAveragePooling2D(
        name=f"{name}_pool", dtype="float32"
    )(features)
    if cosine:
        return CosineClassifier(classes, name=name)(pooled)
    return layers.Dense(classes, name=name, dtype="float32")(pooled)
