"""Run a SavedModel through TensorFlow's C API, without its Python.

python c_api_client.py REQUEST: a JSON file with `library` (the folder of the
shared libraries), `model`, `calls` (lists of `[operation, index, .npy file]`)
and `outputs` (name -> `[operation, index]`). Prints JSON: the answer to each
call, name -> values or `{"error": message}`, and the modules loaded.
"""

import ctypes
import json
import pathlib
import sys
from collections.abc import Callable

import numpy as np

# Values of TF_DataType in tensorflow/c/tf_datatype.h.
TYPES = {
    **{1: np.dtype("float32"), 3: np.dtype("int32")},
    **{4: np.dtype("uint8"), 9: np.dtype("int64")},
}
NUMBERS = {dtype: number for number, dtype in TYPES.items()}
POINTER = ctypes.c_void_p
# A tensorflow.ConfigProto: intra_op_parallelism_threads, and
# inter_op_parallelism_threads, 1.
ONE_THREAD = b"\x10\x01\x28\x01"


class Output(ctypes.Structure):
    """TF_Output: an operation and which of its results."""

    _fields_ = (("operation", POINTER), ("index", ctypes.c_int))


def library(folder: pathlib.Path) -> ctypes.CDLL:
    """Load the shared libraries; results that are pointers are declared."""
    for name in ("libtensorflow_framework.*", "libtensorflow_cc.*"):
        # Named .so.2 or .2.dylib, as the system wants it.
        file = next(folder.glob(name))
        loaded = ctypes.CDLL(str(file), ctypes.RTLD_GLOBAL)
    for name in (
        *("TF_NewStatus", "TF_NewGraph", "TF_NewSessionOptions"),
        *("TF_LoadSessionFromSavedModel", "TF_GraphOperationByName"),
        *("TF_AllocateTensor", "TF_TensorData"),
    ):
        getattr(loaded, name).restype = POINTER
    loaded.TF_Message.restype = ctypes.c_char_p
    loaded.TF_Dim.restype = ctypes.c_int64
    loaded.TF_TensorByteSize.restype = ctypes.c_size_t
    return loaded


class Model:
    """A SavedModel in a session."""

    def __init__(self, api, folder: str, *, one_thread: bool = False):
        self._api = api
        self._status = POINTER(api.TF_NewStatus())
        self._graph = POINTER(api.TF_NewGraph())
        options = POINTER(api.TF_NewSessionOptions())
        if one_thread:
            size = ctypes.c_size_t(len(ONE_THREAD))
            api.TF_SetConfig(options, ONE_THREAD, size, self._status)
            self._check()
        tags = (ctypes.c_char_p * 1)(b"serve")
        self._session = POINTER(
            api.TF_LoadSessionFromSavedModel(
                *(options, None),
                *(folder.encode(), tags, 1),
                *(self._graph, None, self._status),
            )
        )
        self._check()

    def run(self, inputs, outputs) -> list[np.ndarray]:
        """Feed `(operation, index, array)`, fetch `(operation, index)`."""
        return [self._array(each) for each in self.request(inputs, outputs)()]

    def request(self, inputs, outputs) -> Callable[[], list[POINTER]]:
        """Return what asks for `outputs` once more; `free` what it returns."""
        fed = self._outputs([(name, index) for name, index, _ in inputs])
        wanted = self._outputs(outputs)
        tensors = [self._tensor(array) for _, _, array in inputs]
        given = (POINTER * len(tensors))(*tensors)

        def ask():
            found = (POINTER * len(outputs))()
            self._api.TF_SessionRun(
                *(self._session, None),
                *(fed, given, len(tensors)),
                *(wanted, found, len(outputs)),
                *(None, 0, None, self._status),
            )
            self._check()
            return [POINTER(tensor) for tensor in found]

        return ask

    def free(self, tensors: list[POINTER]) -> None:
        """Give back the memory of what a request returned."""
        for tensor in tensors:
            self._api.TF_DeleteTensor(tensor)

    def _outputs(self, names):
        found = (Output * len(names))()
        for slot, (name, index) in zip(found, names, strict=True):
            slot.operation = self._api.TF_GraphOperationByName(
                self._graph, name.encode()
            )
            assert slot.operation, f"no operation {name}"
            slot.index = index
        return found

    def _tensor(self, array):
        array = np.ascontiguousarray(array)
        sides = (ctypes.c_int64 * array.ndim)(*array.shape)
        size = ctypes.c_size_t(array.nbytes)
        tensor = self._api.TF_AllocateTensor(
            NUMBERS[array.dtype], sides, array.ndim, size
        )
        place = self._api.TF_TensorData(POINTER(tensor))
        ctypes.memmove(place, array.ctypes.data, array.nbytes)
        return tensor

    def _array(self, tensor):
        api = self._api
        shape = [api.TF_Dim(tensor, k) for k in range(api.TF_NumDims(tensor))]
        content = ctypes.string_at(
            api.TF_TensorData(tensor), api.TF_TensorByteSize(tensor)
        )
        dtype = TYPES[api.TF_TensorType(tensor)]
        return np.frombuffer(content, dtype).reshape(shape)

    def _check(self):
        if self._api.TF_GetCode(self._status):
            raise ValueError(self._api.TF_Message(self._status).decode())


def main(path: str) -> None:
    """Answer one request file, several calls of the same model."""
    request = json.loads(pathlib.Path(path).read_text())
    api = library(pathlib.Path(request["library"]))
    model = Model(api, request["model"])
    answers = []
    for inputs in request["calls"]:
        fed = [(name, index, np.load(file)) for name, index, file in inputs]
        try:
            found = model.run(fed, [*request["outputs"].values()])
            found = [array.tolist() for array in found]
            answers.append(dict(zip(request["outputs"], found, strict=True)))
        except ValueError as error:
            answers.append({"error": str(error)})
    python = sorted({name.partition(".")[0] for name in sys.modules})
    print(json.dumps({"answers": answers, "modules": python}))


if __name__ == "__main__":
    main(sys.argv[1])
