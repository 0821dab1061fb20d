"""How far a training drove the first convolution's weights apart.

python -m experiments.first_convolution RUN [RUN …]

Prints the Euclidean norm of its kernel at the end over the one that its
initializer (He et al. 2015) has on average, √(n · 2 / fan-in) for n weights.
Batch-normalized weights of a larger norm turn less per step.
"""

import argparse
import pathlib

import keras
import numpy as np

from elf_keras import models, runs


def growth(model: keras.Model) -> float:
    """Norm of the first convolution's kernel, over its initial mean.

    Args:
      model: with a He-normal initialized convolution first.
    """
    first = next(
        layer
        for layer in model.layers
        if isinstance(layer, keras.layers.Conv2D)
    )
    kernel = np.asarray(first.kernel)
    fan_in = np.prod(kernel.shape[:3])
    return float(np.linalg.norm(kernel) / np.sqrt(kernel.size * 2 / fan_in))


def main() -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("runs", nargs="+", type=pathlib.Path)
    for folder in parser.parse_args().runs:
        found = growth(models.load(folder / runs.MODEL))
        print(f"{folder.name}: {found:.1f} times its initial norm")


if __name__ == "__main__":
    main()
