"""The end of every exit: average pooling, then a plain or cosine classifier."""

import keras
from keras import layers, ops

from elf_keras.errors import InputError


@keras.saving.register_keras_serializable("elf_keras")
class CosineClassifier(layers.Layer):
    """Cosines between features and class vectors: z_c = f·v_c / (|f| |v_c|).

    No bias. Computed in float32 under any policy: cosines of neighbouring
    classes differ by less than a bfloat16 step.

    Args:
      classes: number of classes C.
      **kwargs: as in `keras.layers.Layer`.

    Reference: Cao et al. 2019 (LDAM), Sec. 3.2: features and class vectors
    of unit length.
    """

    def __init__(self, classes, **kwargs):
        super().__init__(**{"dtype": "float32", **kwargs})
        self.classes = classes

    def build(self, input_shape):
        """Create the class vectors, `(features, classes)`."""
        self.kernel = self.add_weight(
            shape=(input_shape[-1], self.classes),
            initializer="glorot_uniform",
            name="kernel",
        )

    def call(self, inputs):
        """Return cosines, `(batch, classes)`."""
        return ops.matmul(
            ops.normalize(inputs, axis=-1), ops.normalize(self.kernel, axis=0)
        )

    def get_config(self):
        """Return the arguments that rebuild the layer."""
        return {**super().get_config(), "classes": self.classes}


def classify(features, classes: int, *, name: str, cosine: bool):
    """Average over the image, then a plain or a cosine classifier.

    Args:
      features: feature map, `(batch, height, width, channels)`.
      classes: number of classes C.
      name: name of the exit, which the output bears.
      cosine: unit features and class vectors, no bias (for LDAM).

    Returns:
      Raw scores in float32, `(batch, classes)`.

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
