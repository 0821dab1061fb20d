"""A TFLite file of many signatures, taken apart into files of a few.

A converter takes about a second for a file, most of it to load, freeze and
collect garbage, whatever the file holds. What shares a model is converted at
once, and each file then gets its signatures and what these use.
"""

import copy

import flatbuffers
from ai_edge_litert import schema_py_generated as schema

# Whoever takes files apart must know them whole.
_IDENTIFIER = b"TFL3"


def files(
    content: bytes, held: dict[str, list[str]]
) -> dict[str, bytes] | None:
    """Return file name -> its bytes; `held` has the signatures of each file.

    None where a signature needs other graphs than its own, for a loop or a
    branch: such files are converted one by one.
    """
    model = schema.ModelT.InitFromPackedBuf(content, 0)
    if len(model.subgraphs) != len(model.signatureDefs):
        return None
    return {name: _packed(_of(model, keys)) for name, keys in held.items()}


def _of(model, keys):
    """The same model, of some signatures, in this order."""
    by_key = {at.signatureKey.decode(): at for at in model.signatureDefs}
    signatures = [by_key[key] for key in keys]
    # Buffer 0 is that of all tensors without constants.
    buffers, codes = _Kept([0]), _Kept()
    graphs = [
        _graph(model.subgraphs[at.subgraphIndex], buffers, codes)
        for at in signatures
    ]
    metadata = [
        _with(at, buffer=buffers.new(at.buffer)) for at in model.metadata or ()
    ]
    return _with(
        model,
        subgraphs=graphs,
        signatureDefs=[
            _with(at, subgraphIndex=n) for n, at in enumerate(signatures)
        ],
        metadata=metadata,
        buffers=[model.buffers[number] for number in buffers.numbers],
        operatorCodes=[model.operatorCodes[n] for n in codes.numbers],
    )


def _graph(graph, buffers, codes):
    return _with(
        graph,
        tensors=[
            _with(at, buffer=buffers.new(at.buffer)) for at in graph.tensors
        ],
        operators=[
            _with(at, opcodeIndex=codes.new(at.opcodeIndex))
            for at in graph.operators
        ],
    )


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
        return self._new.setdefault(old, len(self._new))


def _packed(model):
    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), file_identifier=_IDENTIFIER)
    return bytes(builder.Output())
