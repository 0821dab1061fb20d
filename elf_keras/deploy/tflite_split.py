"""A TFLite file of a whole network, cut into files of its parts.

A converter takes about a second for a file, whatever it holds, and to find the
ranges of int8 it runs every image through every file. So the network with all
its outputs is converted once, and each file gets the operations that lie
between its input and its outputs.
"""

import copy
import dataclasses
from collections.abc import Iterator

import flatbuffers
from ai_edge_litert import schema_py_generated as schema

# Whoever takes files apart must know them whole.
_IDENTIFIER = b"TFL3"


@dataclasses.dataclass(frozen=True)
class Cut:
    """A signature that is cut out of the network.

    Attributes:
      key: its name.
      takes: the name of its input, and that of the network's tensor.
      gives: names of its outputs -> those of the network's tensors.
    """

    key: str
    takes: tuple[str, str]
    gives: dict[str, str]


def files(
    content: bytes, held: dict[str, list[Cut]]
) -> Iterator[tuple[str, bytes]] | None:
    """Yield names of files and their bytes; `held` has each file's signatures.

    The network has one signature; tensors are called as its inputs and
    outputs are. None instead where a loop or a branch needs a graph of its
    own, or where an input does not suffice for the outputs: such files are
    converted one by one.
    """
    model = schema.ModelT.InitFromPackedBuf(content, 0)
    if len(model.subgraphs) != 1:
        return None
    found = {name: _of(model, cuts) for name, cuts in held.items()}
    if None in found.values():
        return None
    # One at a time: together they are several times the network.
    return ((name, _packed(part)) for name, part in found.items())


def _of(model, cuts):
    """The same model, of some cuts, in this order; None if one fails."""
    # Buffer 0 is that of all tensors without constants.
    buffers, codes = _Kept([0]), _Kept()
    parts = [_part(model, cut, buffers, codes) for cut in cuts]
    if None in parts:
        return None
    metadata = [
        _with(at, buffer=buffers.new(at.buffer)) for at in model.metadata or ()
    ]
    return _with(
        model,
        subgraphs=[graph for graph, _ in parts],
        signatureDefs=[
            _with(signature, subgraphIndex=number)
            for number, (_, signature) in enumerate(parts)
        ],
        metadata=metadata,
        buffers=[model.buffers[number] for number in buffers.numbers],
        operatorCodes=[model.operatorCodes[n] for n in codes.numbers],
    )


def _part(model, cut, buffers, codes):
    """The graph and the signature of a cut."""
    (whole,) = model.signatureDefs
    places = {
        at.name.decode(): at.tensorIndex
        for at in (*whole.inputs, *whole.outputs)
    }
    name, asked = cut.takes
    ends = [places[at] for at in cut.gives.values()]
    operators = _between(model, places[asked], ends)
    if operators is None:
        return None
    graph = _graph(model, (places[asked], ends), operators, buffers, codes)
    graph.name = cut.key.encode()
    return graph, _with(
        whole,
        signatureKey=graph.name,
        inputs=_named([name], graph.inputs),
        outputs=_named(cut.gives, graph.outputs),
    )


def _graph(model, between, operators, buffers, codes):
    """Of some operators, and of the tensors that they use."""
    (graph,), tensors = model.subgraphs, _Kept()
    begin, ends = between
    found = _with(
        graph,
        inputs=tensors.all([begin]),
        outputs=tensors.all(ends),
        operators=[
            _with(
                at,
                opcodeIndex=codes.new(at.opcodeIndex),
                inputs=tensors.all(at.inputs),
                outputs=tensors.all(at.outputs),
                intermediates=tensors.all(at.intermediates),
            )
            for at in operators
        ],
    )
    kept = [graph.tensors[number] for number in tensors.numbers]
    found.tensors = [_with(at, buffer=buffers.new(at.buffer)) for at in kept]
    return found


def _between(model, begin, ends):
    """Operators between a tensor and others, or None where more is read."""
    (graph,) = model.subgraphs
    needed, made, kept = {*ends}, {begin, -1}, []
    for operator in reversed(graph.operators):
        outputs = {*operator.outputs}
        if begin not in outputs and outputs & needed:
            kept.append(operator)
            needed.update(operator.inputs)
            made.update(outputs)
    missing = [
        number
        for number in needed - made
        if not _is_constant(model, graph.tensors[number])
    ]
    return None if missing or begin not in needed else kept[::-1]


def _is_constant(model, tensor):
    data = model.buffers[tensor.buffer].data
    return data is not None and len(data) > 0


def _named(names, numbers):
    found = []
    for name, number in zip(names, numbers, strict=True):
        found.append(schema.TensorMapT())
        found[-1].name, found[-1].tensorIndex = name.encode(), number
    return found


def _with(part, **changes):
    found = copy.copy(part)
    vars(found).update(changes)
    return found


class _Kept:
    """Numbers of what is kept of a list, and their new ones."""

    def __init__(self, numbers=()):
        self._new = {number: new for new, number in enumerate(numbers)}

    @property
    def numbers(self):
        return [*self._new]

    def new(self, old):
        return self._new.setdefault(int(old), len(self._new))

    def all(self, numbers):
        """The new ones of several; -1 stands for an input left out."""
        if numbers is None:
            return None
        return [self.new(at) if at >= 0 else -1 for at in numbers]


def _packed(model):
    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), file_identifier=_IDENTIFIER)
    return bytes(builder.Output())
