"""Reads tensors from a PyTorch file without PyTorch, and runs none of it.

The legacy form: pickles of a magic number, a version, the machine, the state
and the keys of its storages, then the storages themselves, each after its
length. The pickles may name nothing but what a dict of tensors is made of.
"""

import collections
import math
import pathlib
import pickle
import struct

import numpy as np

from elf_keras.errors import InputError

MAGIC = 0x1950A86A20F9469CFC6C
VERSION = 1001
# How numbers of a storage lie in the file, which is little-endian.
_TYPES = {
    "FloatStorage": "<f4",
    "DoubleStorage": "<f8",
    "HalfStorage": "<f2",
    "LongStorage": "<i8",
    "IntStorage": "<i4",
    "ShortStorage": "<i2",
    "CharStorage": "i1",
    "ByteStorage": "u1",
    "BoolStorage": "?",
}
# What a file that is cut, changed or foreign leads to, memory included: it
# says itself how long its storages are.
_DAMAGE = (
    *(pickle.UnpicklingError, EOFError, struct.error, ValueError, TypeError),
    *(LookupError, AttributeError, OverflowError, MemoryError),
)


def tensors(path: pathlib.Path) -> dict[str, np.ndarray]:
    """Read a dict of tensors, as `torch.save` wrote it before version 1.6.

    Raises:
      InputError: for another file, a damaged one, and one that names
        anything but tensors, of which nothing is run.
    """
    try:
        with path.open("rb") as file:
            return _read(file)
    except _DAMAGE as error:
        reason = " ".join(f"{error}".split()) or type(error).__name__
        raise InputError(
            f"{path} is not a PyTorch file of tensors only ({reason}); "
            "expected a dict of tensors in the format used before PyTorch 1.6"
        ) from error


def _read(file):
    magic, version, _ = (_Reader(file).load() for _ in range(3))
    if (magic, version) != (MAGIC, VERSION):
        raise ValueError(f"magic number {magic!r}, version {version!r}")
    reader = _Reader(file)
    state = reader.load()
    for key in _Reader(file).load():
        _fill(reader.storages[key], file)
    return {name: _copy(name, tensor) for name, tensor in state.items()}


def _fill(storage, file):
    (size,) = struct.unpack("<q", file.read(8))
    if size != len(storage):
        raise ValueError(f"{size} numbers where {len(storage)} were named")
    data = file.read(storage.nbytes)
    if len(data) < storage.nbytes:
        raise EOFError("it ends within a storage")
    storage[:] = np.frombuffer(data, storage.dtype)


def _copy(name, tensor):
    if not isinstance(name, str) or not isinstance(tensor, np.ndarray):
        raise ValueError(f"{name!r} is a {type(tensor).__name__}")
    return np.array(tensor)


class _Reader(pickle._Unpickler):
    """Finds three things alone: dicts, storages, views of storages.

    It is the unpickler written in Python: the other one clears as much memory
    as a damaged file may name.
    """

    def __init__(self, file):
        super().__init__(file)
        self.storages = {}

    def find_class(self, module, name):
        """Return what stands for a global of the file."""
        if (module, name) == ("collections", "OrderedDict"):
            return collections.OrderedDict
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            return _view
        if module == "torch" and name in _TYPES:
            return np.dtype(_TYPES[name])
        raise pickle.UnpicklingError(f"it names {module}.{name}")

    def persistent_load(self, pid):
        """Return an array for a storage; its numbers come later."""
        kind, dtype, key, _, size, _ = pid
        if kind != "storage":
            raise pickle.UnpicklingError(f"it holds a {kind}")
        # Zeros take no memory before they are written.
        return self.storages.setdefault(key, np.zeros(size, dtype))


def _view(storage, offset, size, stride, *_):
    """A tensor on a storage, whose numbers are still to come."""
    last = offset + sum(
        (n - 1) * step for n, step in zip(size, stride, strict=True)
    )
    inside = min((offset, *stride)) >= 0 and last < len(storage)
    if min(size, default=1) < 1 or not inside or math.prod(size) > len(storage):
        raise pickle.UnpicklingError(
            f"a tensor of {size}, strides {stride}, in {len(storage)} numbers"
        )
    strides = [step * storage.itemsize for step in stride]
    return np.lib.stride_tricks.as_strided(storage[offset:], size, strides)
