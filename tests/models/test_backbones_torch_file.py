"""Tensors of a PyTorch file, and of hostile ones nothing at all."""

import collections
import functools
import os
import pathlib
import pickle
import subprocess

import numpy as np
import pytest

from elf_keras.errors import InputError
from elf_keras.models.backbones import torch_file

REFERENCE = pathlib.Path(__file__).parent / "reference"
# Written by PyTorch: `reference/by_torch.py`.
LEGACY = REFERENCE / "legacy.pth"
NUMBERS = np.arange(24, dtype="float32")
HEADER = [torch_file.MAGIC, torch_file.VERSION, {}]


class Calling:
    """Pickled, an order to call a function when it is read."""

    def __init__(self, function, *arguments):
        self.__reduce__ = lambda: (function, arguments)

    def __reduce_ex__(self, protocol):
        return self.__reduce__()


def written(folder, *objects):
    path = folder / "made.pth"
    path.write_bytes(b"".join(pickle.dumps(each, 2) for each in objects))
    return path


def refused(path, says="expected a dict of tensors"):
    with pytest.raises(InputError, match=says) as caught:
        torch_file.tensors(path)
    assert f"{path}" in str(caught.value) and "\n" not in str(caught.value)


def test_tensors_as_pytorch_wrote_them():
    matrix = NUMBERS.reshape(4, 6)
    expected = {
        "whole": NUMBERS,
        "matrix": matrix,
        "turned": matrix.T,
        "inner": matrix[1:3, 2:5],
        "double": np.array([0.1, -2.0]),
        "half": np.array([0.5, -2.0], "float16"),
        "count": np.array(7, "int64"),
        "flags": np.array([True, False]),
        "bytes": np.array([0, 255], "uint8"),
    }
    found = torch_file.tensors(LEGACY)
    assert list(found) == list(expected)
    for name, array in expected.items():
        assert found[name].dtype == array.dtype
        np.testing.assert_array_equal(found[name], array)


def test_tensors_share_no_memory():
    found = torch_file.tensors(LEGACY)
    found["whole"][:] = -1
    assert found["matrix"].min() == 0


@pytest.mark.parametrize(
    ("name", "says"),
    [("zipped.pth", "not a PyTorch file"), ("module.pth", "torch.nn.*Linear")],
)
def test_other_files_of_pytorch_are_refused(name, says):
    refused(REFERENCE / name, says)


@pytest.mark.parametrize("place", range(5))
def test_a_hostile_file_runs_nothing(place, tmp_path):
    marker = tmp_path / "was_run"
    order = Calling(os.system, f"touch {marker}")
    pickle.loads(pickle.dumps(order, 2))
    assert marker.exists()
    marker.unlink()
    objects = [*HEADER, collections.OrderedDict(), []]
    objects[place] = order
    refused(written(tmp_path, *objects), "it names posix.system")
    assert not marker.exists()


@pytest.mark.parametrize(
    "function",
    [
        *(eval, exec, getattr, __import__, open, print),
        *(functools.partial, subprocess.Popen, collections.Counter),
        *(collections.OrderedDict.fromkeys, np.array, np.load, np.dtype),
    ],
)
def test_no_other_global_is_found(function, tmp_path):
    path = written(tmp_path, *HEADER, {"a": Calling(function, "1")}, [])
    refused(path, "it names")


@pytest.mark.parametrize(
    "objects",
    [
        [*HEADER, {"a": 1}, []],
        [*HEADER, [1], []],
        [*HEADER, {}, ["no such storage"]],
        [torch_file.MAGIC + 1, torch_file.VERSION, {}, {}, []],
        [torch_file.MAGIC, 1002, {}, {}, []],
    ],
)
def test_what_is_no_dict_of_tensors_is_refused(objects, tmp_path):
    refused(written(tmp_path, *objects))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        # Of sizes (4, 6) and strides (6, 1), in protocol 2 of pickle.
        (b"K\x04K\x06\x86", b"K\x05K\x06\x86"),
        (b"K\x04K\x06\x86", b"K\x00K\x06\x86"),
        (b"K\x04K\x06\x86", b"K\x04K\x06K\x01\x87"),
        (b"K\x06K\x01\x86", b"K\x07K\x01\x86"),
        (b"K\x06K\x01\x86", b"J\xfa\xff\xff\xffK\x01\x86"),
        # More than memory holds.
        (b"K\x04K\x06\x86", b"J\xff\xff\xff\x7fJ\xff\xff\xff\x7f\x86"),
    ],
)
def test_a_tensor_outside_of_its_storage_is_refused(old, new, tmp_path):
    data = LEGACY.read_bytes()
    assert old in data
    path = tmp_path / "made.pth"
    path.write_bytes(data.replace(old, new))
    refused(path)


@pytest.mark.slow
def test_a_file_that_ends_early_is_refused(tmp_path):
    data, path = LEGACY.read_bytes(), tmp_path / "cut.pth"
    for end in range(len(data)):
        path.write_bytes(data[:end])
        refused(path)


@pytest.mark.slow
def test_a_damaged_file_is_read_or_refused(tmp_path):
    data, path = LEGACY.read_bytes(), tmp_path / "damaged.pth"
    random, refusals = np.random.default_rng(0), 0
    for _ in range(1500):
        damaged = bytearray(data)
        damaged[random.integers(len(data))] = random.integers(256)
        path.write_bytes(damaged)
        try:
            found = torch_file.tensors(path)
        except InputError:
            refusals += 1
        else:
            assert {type(array) for array in found.values()} == {np.ndarray}
    assert refusals > 500
