"""The graph of calls behind a functional model's tensors.

Keras' nodes, which have no public name, are the calls of layers: each holds
its `operation`, its `parent_nodes` and its `outputs`.
"""

import math

import keras
from keras import layers

# Their outputs hold borders that are no feature.
BORDERS = (layers.ZeroPadding2D, layers.Cropping2D)


def calls(tensors: list[keras.KerasTensor]) -> list:
    """Return every call that the tensors depend on, the inputs first.

    A layer that is called twice appears twice.
    """
    waiting = [(_call(tensor), False) for tensor in tensors]
    begun, ordered = set(), []
    while waiting:
        call, parents_done = waiting.pop()
        if parents_done:
            ordered.append(call)
        elif id(call) not in begun:
            begun.add(id(call))
            waiting.append((call, True))
            waiting.extend((parent, False) for parent in call.parent_nodes)
    return ordered


def bottlenecks(tensor: keras.KerasTensor) -> list:
    """Return the calls that every path from the input to a tensor crosses.

    In an order where inputs come first, no edge leaps over such a call; and
    a call that no edge leaps over is one.

    Returns:
      Calls from the input to the one that makes the tensor, both included.
    """
    ordered = calls([tensor])
    place = {id(call): number for number, call in enumerate(ordered)}
    last_use = list(range(len(ordered)))
    for number, call in enumerate(ordered):
        for parent in call.parent_nodes:
            # Ascending, so that the last use stays.
            last_use[place[id(parent)]] = number
    found, farthest = [], 0
    for number, call in enumerate(ordered):
        if farthest <= number:
            found.append(call)
        farthest = max(farthest, last_use[number])
    return found


def feature_maps(tensor: keras.KerasTensor) -> list:
    """Return the bottlenecks that depend on weights.

    The image itself, rescaled or padded, is no feature.
    """
    ordered = calls([tensor])
    weighted = [
        number
        for number, call in enumerate(ordered)
        if getattr(call.operation, "weights", [])
    ]
    # A bottleneck depends on all that comes before it.
    after = {id(call) for call in ordered[weighted[0] :]} if weighted else ()
    return [call for call in bottlenecks(tensor) if id(call) in after]


def before_each_halving(chain: list, side: int) -> list[int]:
    """Return the places in a chain of feature maps where a resolution ends.

    Args:
      chain: as from `feature_maps`.

    Returns:
      Numbers of the last call at each resolution but the final one.
    """
    last_of_level = {}
    for number, call in enumerate(chain):
        if not isinstance(call.operation, BORDERS):
            last_of_level[_level(call, side)] = number
    final = _level(chain[-1], side)
    return [number for level, number in last_of_level.items() if level < final]


def has_kernel(operation: keras.Operation) -> bool:
    """Tell whether a layer, or one inside it, has a weight of two axes."""
    weights = getattr(operation, "weights", [])
    return any(len(weight.shape) > 1 for weight in weights)


def _level(call, side):
    """How often the side was halved; borders move it by less than half."""
    return round(math.log2(side / min(call.outputs[0].shape[1:3])))


def _call(tensor):
    made = tensor._keras_history
    return made.operation._inbound_nodes[made.node_index]
