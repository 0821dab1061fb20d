"""Where exits can sit in a graph of layers: found by rule, or by name.

A tap is a bottleneck, a call that every path from image to features crosses,
so that the stages form a chain. The rule takes the last one before each change
of resolution; unless a single layer with a kernel widened it, as the expansion
that opens an inverted residual block does: then the map before that layer, the
block's own input.
"""

import dataclasses
import difflib
import itertools
from collections.abc import Sequence

import keras

from elf_keras.errors import InputError
from elf_keras.models import layer_graph, multiply_adds
from elf_keras.models.backbones.tapped import TappedBackbone

# Of a backbone's multiply-adds, between two places.
LARGEST_GAP = 0.3


def find(
    features: keras.KerasTensor, side: int
) -> dict[str, keras.KerasTensor]:
    """Pick taps by the module's rule.

    Args:
      features: the last feature map.
      side: the images'.
    """
    chain = _maps(features)
    numbers = [
        _before_expansion(chain, number)
        for number in layer_graph.before_each_halving(chain, side)
    ]
    return _named([chain[number] for number in numbers])


def without_gaps(
    features: keras.KerasTensor, taps: dict[str, keras.KerasTensor]
) -> dict[str, keras.KerasTensor]:
    """Add a tap where two successive places are far apart, drop idle ones.

    Places are the taps and the end, without any tap the beginning and the
    end. Where more than 30 % of the multiply-adds lie between two, the
    bottleneck nearest to the middle is added, again and again; but none in the
    first or last quarter between them, which would save next to nothing, and
    none that later layers at its resolution narrow again. A tap behind which
    nothing is multiplied saves nothing at all, and goes.
    For given models alone: the taps of `keras.applications` are recorded in
    recipes and results, and `--taps` can add to them.
    """
    chain = _maps(features)
    costs = [multiply_adds.macs_to([call.outputs[0]]) for call in chain]
    known = {id(tap) for tap in taps.values()}
    picked = [
        number
        for number, call in enumerate(chain)
        if id(call.outputs[0]) in known and costs[number] < costs[-1]
    ]
    places = [*(picked or [0]), len(chain) - 1]
    added = [
        number
        for pair in itertools.pairwise(places)
        for number in _between(chain, costs, *pair)
    ]
    return _named([chain[number] for number in sorted({*picked, *added})])


def at(tapped: TappedBackbone, names: Sequence[str]) -> TappedBackbone:
    """Return a backbone with its taps at the outputs of these layers.

    An exit there has the filters of the backbone's own nearest tap.

    Args:
      names: of layers, from the image on.

    Raises:
      InputError: for a name that is unknown, twice, out of order or no
        bottleneck, for the image and for the last feature map.
    """
    chain = layer_graph.bottlenecks(tapped.features)
    numbers = {name: n for n, name in enumerate(_named(chain))}
    found = [_number(tapped, name, numbers) for name in names]
    if found != sorted(set(found)):
        ordered = sorted(set(found))
        expected = ",".join(chain[n].operation.name for n in ordered)
        raise InputError(
            f"taps {','.join(names)}: expected different layers, from the "
            f"image on: {expected}"
        )
    filters = tapped.head_filters
    if filters is not None:
        own = [_place(chain, tensor) for tensor in tapped.taps.values()]
        nearest = [min(own, key=lambda n: abs(n - each)) for each in found]
        filters = tuple(filters[own.index(number)] for number in nearest)
    taps = {
        name: chain[n].outputs[0] for name, n in zip(names, found, strict=True)
    }
    return dataclasses.replace(tapped, taps=taps, head_filters=filters)


def _maps(features):
    """The bottlenecks that are feature maps; others are no place for exits."""
    chain = layer_graph.feature_maps(features)
    return [call for call in chain if len(call.outputs[0].shape) == 4]


def _named(calls):
    """Their outputs by the name of the layer; of its second call, `NAME_2`."""
    found = {}
    for call in calls:
        name = call.operation.name
        again = (f"{name}_{number}" for number in itertools.count(2))
        free = (n for n in itertools.chain((name,), again) if n not in found)
        found[next(free)] = call.outputs[0]
    return found


def _place(chain, tensor):
    return next(n for n, call in enumerate(chain) if call.outputs[0] is tensor)


def _number(tapped, name, numbers):
    """The place of a layer in the chain of bottlenecks, where an exit fits."""
    maps = _maps(tapped.features)
    chain = layer_graph.bottlenecks(tapped.features)
    if name not in numbers:
        raise InputError(f"tap {name!r}: {_no_bottleneck(tapped, name, maps)}")
    call = chain[numbers[name]]
    if call is maps[-1]:
        fault = "the last feature map, which the last exit reads; leave it out"
    elif call in maps:
        return numbers[name]
    elif len(call.outputs[0].shape) != 4:
        fault = "no feature map (height, width, channels); " + _try(maps, name)
    else:
        fault = "the image itself, before any weights; " + _try(maps, name)
    raise InputError(f"tap {name!r} is {fault}")


def _no_bottleneck(tapped, name, maps):
    calls = layer_graph.calls([tapped.features])
    names = [call.operation.name for call in calls]
    if name not in names:
        return (
            "there is no such layer up to the last feature map, "
            f"{maps[-1].operation.name}; {_try(maps, name)}"
        )
    # What lies before and behind it, of those that would do.
    place = {id(call): number for number, call in enumerate(calls)}
    beside = [
        other.operation.name
        for other in maps[:-1]
        if place[id(other)] < names.index(name)
    ][-1:]
    beside += [
        other.operation.name
        for other in maps[:-1]
        if place[id(other)] > names.index(name)
    ][:1]
    return (
        "it lies on one of several paths, and every path must cross a tap; "
        f"nearest that would do: {', '.join(beside) or 'none'}"
    )


def _try(maps, name):
    """Names that would do: those most like it, else some from first to last."""
    names = list(_named(maps[:-1]))
    if like := difflib.get_close_matches(name, names, n=3):
        return f"nearest that would do: {', '.join(like)}"
    some = names[:: max(1, len(names) // 4)][:5]
    return f"some that would do: {', '.join(some) or 'none'}"


def _between(chain, costs, low, high):
    """Numbers of what `without_gaps` adds between two places."""
    gap = costs[high] - costs[low]
    if gap <= LARGEST_GAP * costs[-1]:
        return []
    middle = (costs[low] + costs[high]) / 2
    inside = [
        number
        for number in range(low + 1, high)
        if abs(costs[number] - middle) <= gap / 4
        and not isinstance(chain[number].operation, layer_graph.BORDERS)
        and not _is_narrowed(chain[number : high + 1])
    ]
    if not inside:
        return []
    # Of a layer, its norm and its activation the last.
    found = min(inside, key=lambda n: (abs(costs[n] - middle), -n))
    lower = _between(chain, costs, low, found)
    return [*lower, found, *_between(chain, costs, found, high)]


def _is_narrowed(chain):
    """Whether the first map has more channels than a later one of its size."""
    _, *size, width = chain[0].outputs[0].shape
    shapes = [call.outputs[0].shape for call in chain[1:]]
    return any(shape[-1] < width for shape in shapes if [*shape[1:3]] == size)


def _before_expansion(chain, number):
    """Step back over norm and activation, then over one widening layer."""
    picked = number
    while number and chain[number].parent_nodes == [chain[number - 1]]:
        if layer_graph.has_kernel(chain[number].operation):
            _, *old_size, old_width = chain[number - 1].outputs[0].shape
            _, *size, width = chain[picked].outputs[0].shape
            widened = size == old_size and width > old_width
            return number - 1 if widened else picked
        number -= 1
    return picked
