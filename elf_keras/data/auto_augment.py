"""AutoAugment's policy for CIFAR-10, and RandAugment: each image its own.

References: Cubuk et al. 2019, *AutoAugment: Learning Augmentation Strategies
from Data*, Table 7 (appendix); Cubuk et al. 2020, *RandAugment: Practical
Automated Data Augmentation with a Reduced Search Space*, sections 3 and 4.

The papers give ranges, and their code others. Here, close to torchvision and
to what most works on long tails train with: a strength s in [0, 1] shears by
0.3 s, translates by 150/331 s of the side (the authors on CIFAR: by 10/32),
rotates by 30 s degrees, enhances by 1 ± 0.9 s (the authors: 0.1 + 1.8 s), each
in either direction; solarizes from 256 (1 - s) on and keeps 8 - 4 s bits (the
authors on CIFAR: 4 - 4 s).
"""

import dataclasses

import tensorflow as tf

from elf_keras.data import operations

# AutoAugment's magnitudes are 0 to 9; s = magnitude / 9.
HIGHEST_LEVEL = 9
# RandAugment's scale; s = magnitude / 10.
HIGHEST_MAGNITUDE = 10
# (operation, probability, magnitude) twice.
SUB_POLICIES = (
    (("invert", 0.1, 7), ("contrast", 0.2, 6)),
    (("rotate", 0.7, 2), ("translate_x", 0.3, 9)),
    (("sharpness", 0.8, 1), ("sharpness", 0.9, 3)),
    (("shear_y", 0.5, 8), ("translate_y", 0.7, 9)),
    (("autocontrast", 0.5, 8), ("equalize", 0.9, 2)),
    (("shear_y", 0.2, 7), ("posterize", 0.3, 7)),
    (("color", 0.4, 3), ("brightness", 0.6, 7)),
    (("sharpness", 0.3, 9), ("brightness", 0.7, 9)),
    (("equalize", 0.6, 5), ("equalize", 0.5, 1)),
    (("contrast", 0.6, 7), ("sharpness", 0.6, 5)),
    (("color", 0.7, 7), ("translate_x", 0.5, 8)),
    (("equalize", 0.3, 7), ("autocontrast", 0.4, 8)),
    (("translate_y", 0.4, 3), ("sharpness", 0.2, 6)),
    (("brightness", 0.9, 6), ("color", 0.2, 8)),
    (("solarize", 0.5, 2), ("invert", 0.0, 3)),
    (("equalize", 0.2, 0), ("autocontrast", 0.6, 0)),
    (("equalize", 0.2, 8), ("equalize", 0.6, 4)),
    (("color", 0.9, 9), ("equalize", 0.6, 6)),
    (("autocontrast", 0.8, 4), ("solarize", 0.2, 8)),
    (("brightness", 0.1, 3), ("color", 0.7, 0)),
    (("solarize", 0.4, 5), ("autocontrast", 0.9, 3)),
    (("translate_y", 0.9, 9), ("translate_y", 0.7, 9)),
    (("autocontrast", 0.9, 2), ("solarize", 0.8, 3)),
    (("equalize", 0.8, 8), ("invert", 0.1, 3)),
    (("translate_y", 0.7, 9), ("autocontrast", 0.9, 1)),
)
# RandAugment, section 3: K = 14 with the same chance.
TRANSFORMS = (
    *("identity", "autocontrast", "equalize", "rotate", "solarize", "color"),
    *("posterize", "contrast", "brightness", "sharpness", "shear_x"),
    *("shear_y", "translate_x", "translate_y"),
)
# Of a strength and a direction, 1 or -1; `operations.operate` has the units.
VALUES = {
    **dict.fromkeys(("shear_x", "shear_y"), lambda s, way: 0.3 * s * way),
    **dict.fromkeys(
        ("translate_x", "translate_y"), lambda s, way: 150 / 331 * s * way
    ),
    "rotate": lambda s, way: 30 * s * way,
    "solarize": lambda s, way: 256 * (1 - s),
    "posterize": lambda s, way: 8 - round(4 * s),
    **dict.fromkeys(
        ("brightness", "color", "contrast", "sharpness"),
        lambda s, way: 1 + 0.9 * s * way,
    ),
}


@dataclasses.dataclass(frozen=True)
class AutoAugment:
    """One of the 25 sub-policies for each image, its two by their chances."""

    # Which sub-policy; of each operation whether it is done, and its way.
    numbers = 5

    def changed(self, images: tf.Tensor, numbers: tf.Tensor) -> tf.Tensor:
        """Change uint8 (batch, height, width, 3) by numbers (batch, 5)."""
        return _operated(images, self.drawn(numbers))

    def drawn(self, numbers: tf.Tensor) -> list[tuple[tf.Tensor, tf.Tensor]]:
        """Operations and values of `operate`, of the first and the second."""
        chosen = _place(numbers[:, 0], len(SUB_POLICIES))
        found = []
        for layer in range(2):
            names, chances, levels = zip(
                *(pair[layer] for pair in SUB_POLICIES), strict=True
            )
            done, way = numbers[:, 1 + 2 * layer], numbers[:, 2 + 2 * layer]
            strengths = [level / HIGHEST_LEVEL for level in levels]
            which, values = _valued(names, strengths, chosen, way)
            done = done < tf.gather(tf.constant(chances), chosen)
            found.append((tf.where(done, which, operations.IDENTITY), values))
        return found


@dataclasses.dataclass(frozen=True)
class RandAugment:
    """Some of 14 operations for each image, all of one magnitude."""

    layers: int = 2  # N, one operation after another
    magnitude: int = 9  # M, in [0, 10]

    @property
    def numbers(self) -> int:
        """How many decide on an image: which operation and its way, N times."""
        return 2 * self.layers

    def changed(self, images: tf.Tensor, numbers: tf.Tensor) -> tf.Tensor:
        """Change uint8 (batch, height, width, 3) by numbers (batch, 2 N)."""
        return _operated(images, self.drawn(numbers))

    def drawn(self, numbers: tf.Tensor) -> list[tuple[tf.Tensor, tf.Tensor]]:
        """Operations and values of `operate`, of the first to the N-th."""
        strengths = [self.magnitude / HIGHEST_MAGNITUDE] * len(TRANSFORMS)
        found = []
        for layer in range(self.layers):
            which, way = numbers[:, 2 * layer], numbers[:, 2 * layer + 1]
            chosen = _place(which, len(TRANSFORMS))
            found.append(_valued(TRANSFORMS, strengths, chosen, way))
        return found


RULES = {"autoaugment": AutoAugment, "randaugment": RandAugment}


def value(operation: str, strength: float, way: int) -> float:
    """What `operate` takes for a strength in [0, 1], one way or the other.

    The `way` is 1 or -1; operations without a value have 0.
    """
    return VALUES.get(operation, lambda strength, way: 0.0)(strength, way)


def _operated(images, drawn):
    for chosen, values in drawn:
        images = operations.operate(images, chosen, values)
    return images


def _valued(names, strengths, chosen, way):
    """Operations and values, (batch,) each, of the `chosen` of some names.

    `way` is below 1/2 one way, else the other.
    """
    places = tf.constant([operations.OPERATIONS.index(name) for name in names])
    values = tf.constant(
        [
            [value(name, strength, way) for way in (-1, 1)]
            for name, strength in zip(names, strengths, strict=True)
        ]
    )
    both = tf.stack([chosen, _place(way, 2)], axis=1)
    return tf.gather(places, chosen), tf.gather_nd(values, both)


def _place(number, count):
    """The place among `count` that a number in [0, 1) draws."""
    # A number just below 1 may come to `count` by rounding.
    return tf.minimum(tf.cast(number * count, tf.int32), count - 1)
