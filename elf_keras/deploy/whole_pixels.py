"""Pixels that stay whole numbers on their way into the first convolution.

In int8 an image is its bytes, moved. Divided by the deviation and then moved,
the product had steps of 1.5 pixel values: a third of the levels was lost. Less
their mean they keep all of them, nearly all where channels have means of their
own, and the convolution divides.
"""

import keras
import numpy as np
from keras import layers

from elf_keras.models import layer_graph


def in_place(model: keras.Model) -> None:
    """Move the division by the deviation into the first convolution.

    The model answers as before. Where anything else reads the normalized
    image, or there is no such layer, nothing changes.
    """
    calls = layer_graph.calls(model.outputs)
    for call in calls:
        readers = [at for at in calls if call in at.parent_nodes]
        kinds = type(call.operation), *(type(at.operation) for at in readers)
        if kinds == (layers.Rescaling, layers.Conv2D):
            _divide_later(call.operation, readers[0].operation)
            return


def _divide_later(normalize, convolution):
    """(x s + o) * w = (x + o / s) * (s w); a border of zeros stays zero."""
    scale = np.asarray(normalize.scale, "float64")
    offset = np.asarray(normalize.offset, "float64")
    if convolution.groups > 1 or np.any(scale == 0):
        return
    kernel = np.asarray(convolution.kernel, "float64")
    convolution.kernel.assign(kernel * scale.reshape(1, 1, -1, 1))
    normalize.scale, normalize.offset = 1.0, (offset / scale).tolist()
