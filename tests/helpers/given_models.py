"""Small Keras models as users have them: trained, nested, with a classifier."""

import keras
import numpy as np
from keras import layers

SHAPE = (16, 16, 3)


def trained(model: keras.Model) -> keras.Model:
    """The model with weights that no initializer gives."""
    random = np.random.default_rng(0)
    for weight in model.weights:
        if weight.dtype == "float32":
            noise = random.uniform(0.2, 0.6, weight.shape)
            weight.assign(noise if "norm" in weight.path else noise - 0.4)
    return model


def block(x, filters, name):
    """A residual block, of which only the end is a bottleneck."""
    y = layers.Conv2D(filters, 3, padding="same", name=f"{name}_conv")(x)
    y = layers.BatchNormalization(epsilon=0.01, name=f"{name}_norm")(y)
    y = layers.ReLU(name=f"{name}_relu")(y)
    return layers.Add(name=f"{name}_add")([x, y])


def plain(*first, shape=SHAPE) -> keras.Model:
    """Residual blocks at 16, 8 and 4 pixels, without classifier.

    `first` are layers before the stem; by default a Rescaling.
    """
    image = keras.Input(shape, name="image")
    x = image
    for layer in first or (layers.Rescaling(1 / 255, name="rescaling"),):
        x = layer(x)
    x = layers.Conv2D(6, 3, padding="same", name="stem")(x)
    x = block(x, 6, "first")
    x = layers.Conv2D(7, 3, strides=2, padding="same", name="second_down")(x)
    x = block(x, 7, "second")
    x = layers.Conv2D(9, 3, strides=2, padding="same", name="third_down")(x)
    return trained(keras.Model(image, block(x, 9, "third"), name="plain"))


def tutorial(*, shape=SHAPE) -> keras.Model:
    """As Keras' tutorials make them: augmentation, a frozen inner model."""
    inner = plain(shape=shape)
    inner.trainable = False
    image = keras.Input(shape, name="picture")
    augmentation = [
        layers.RandomFlip("horizontal", name="flipped"),
        layers.RandomRotation(0.1, name="turned"),
    ]
    x = keras.Sequential(augmentation, name="augmentation")(image)
    x = inner(x, training=False)
    x = layers.GlobalAveragePooling2D(name="pooled")(x)
    x = layers.Dropout(0.2, name="dropped")(x)
    return keras.Model(image, layers.Dense(4, name="classes")(x))
