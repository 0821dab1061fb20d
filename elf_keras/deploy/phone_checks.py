"""What would keep a TFLite file from running on a phone, read from it."""

import pathlib

from ai_edge_litert import schema_py_generated as schema

from elf_keras.errors import InputError

_TYPES = {
    value: name.lower()
    for name, value in vars(schema.TensorType).items()
    if not name.startswith("_")
}


def problems(path: pathlib.Path, *, dtype: str) -> list[str]:
    """Sentences on what would keep a file from running on a phone.

    Built-in operations only, every size fixed, batch 1, inputs and outputs
    named by one signature or more, in `dtype`, `float32` or `int8`.
    """
    model = schema.ModelT.InitFromPackedBuf(path.read_bytes(), 0)
    found = [
        f"custom operation {code.customCode.decode()}"
        for code in model.operatorCodes
        if code.builtinCode == schema.BuiltinOperator.CUSTOM
    ]
    if not model.signatureDefs:
        found.append("no signature names its inputs and outputs")
    for signature in model.signatureDefs or []:
        graph = model.subgraphs[signature.subgraphIndex]
        for entry in (*signature.inputs, *signature.outputs):
            tensor = graph.tensors[entry.tensorIndex]
            found += _of_tensor(entry.name.decode(), tensor, dtype)
    computed = {
        _TYPES[tensor.type]
        for graph in model.subgraphs
        for tensor in graph.tensors
        # float16 constants are unpacked before use; activations are not.
        if model.buffers[tensor.buffer].data is None
    }
    halves = computed & {"float16", "bfloat16"}
    found += [f"computes in {kind}" for kind in sorted(halves)]
    return [f"{path.name}: {problem}" for problem in found]


def _of_tensor(name, tensor, dtype):
    shape = tensor.shape.tolist()
    free = tensor.shapeSignature is not None and -1 in tensor.shapeSignature
    kind = _TYPES[tensor.type]
    found = []
    if free or (len(shape) > 1 and shape[0] != 1):
        found.append(f"{name} has shape {shape}, not fixed to batch 1")
    if kind not in (dtype, "int32") or (kind == "int32" and name != "exit"):
        found.append(f"{name} is {kind}, expected {dtype}")
    return found


def refuse(files: pathlib.Path) -> None:
    """Refuse a variant of which a file could not run on a phone.

    Raises:
      InputError: with all that is wrong.
    """
    dtype = "int8" if files.name == "int8" else "float32"
    found = [
        problem
        for path in sorted(files.glob("*.tflite"))
        for problem in problems(path, dtype=dtype)
    ]
    if found:
        raise InputError(
            f"{files.name} would not run on a phone: {'; '.join(found)}; "
            "build the model from layers that TFLite has built in"
        )
