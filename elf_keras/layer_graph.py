"""The graph of calls behind a functional model's tensors.

Keras' nodes, which have no public name, are the calls of layers: each holds
its `operation`, its `parent_nodes` and its `outputs`.
"""

import keras


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

    Args:
      tensor: depends on one input.

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


def has_kernel(operation: keras.Operation) -> bool:
    """Tell whether a layer, or one inside it, has a weight of two axes."""
    weights = getattr(operation, "weights", [])
    return any(len(weight.shape) > 1 for weight in weights)


def _call(tensor):
    made = tensor._keras_history
    return made.operation._inbound_nodes[made.node_index]
