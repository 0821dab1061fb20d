"""A model as ONNX files: a chain of stages, and each exit alone.

VARIANT/stage_k.onnx maps what the stage before it gives, `features_{k-1}`, to
exit k's scores and `features_k`: in one ONNX graph no two tensors share a
name. exit_k.onnx maps the image to exit k's scores past no other head. The
batch is free, so that a server can fill it; layout is NHWC, as everywhere.
Softmax and exit rule run outside, in float32. In int8, too, floats go in and
out: only what lies between is whole numbers.
"""

import pathlib
import tempfile
import warnings
from collections.abc import Iterator

import keras
import numpy as np
import onnx
import tensorflow as tf
from onnx import compose, numpy_helper, utils
from onnxruntime import quantization

from elf_keras import models, runs
from elf_keras.errors import InputError
from elf_keras.exits import exit_rule

FLOAT, INTEGER = "onnx", "onnx_int8"
# Images at a time, for ranges.
BATCH = 20


def write(
    model: keras.Model,
    folder: pathlib.Path,
    *,
    variants: list[str],
    images: np.ndarray,
    rounded: keras.Model | None = None,
) -> None:
    """Convert and write every file of the variants asked for.

    Args:
      folder: `onnx/` of an export; a folder for each variant is made.
      variants: of `ONNX_VARIANTS`.
      images: training images that set the ranges of int8, `(images, …)`.
      rounded: the model whose kernels int8 files can hold; only for int8.

    Raises:
      InputError: where ONNX cannot express the model.
    """
    if FLOAT in variants:
        for name, part in _parts(model):
            with runs.replacing(folder / FLOAT / f"{name}.onnx") as path:
                path.write_bytes(_convert(name, part))
    if INTEGER in variants:
        _write_integers(rounded, folder / INTEGER, images)


def _write_integers(model, folder, images):
    """Stages by their own ranges, and exits of these very stages."""
    given, so_far = np.asarray(images, "float32"), None
    for name, part in _parts(model):
        if not name.startswith("stage"):
            break
        exit_name = name.replace("stage", "exit")
        with runs.replacing(folder / f"{name}.onnx") as path:
            _quantize(_convert(name, part), path, given)
        so_far = _joined(so_far, onnx.load(folder / f"{name}.onnx"), name)
        with runs.replacing(folder / f"{exit_name}.onnx") as path:
            onnx.save(_with_output(so_far, exit_name), path)
        if len(part.outputs) > 1:
            given = _features(part, given)
            (handed,) = (key for key in part.output if key != exit_name)
            so_far = _with_output(so_far, handed)


def _parts(model) -> Iterator[tuple[str, keras.Model]]:
    """File name and part, the stages first."""
    for number, stage in enumerate(models.stages(model), start=1):
        outputs = dict(stage.output)
        if "features" in outputs:
            outputs[f"features_{number}"] = outputs.pop("features")
        yield f"stage_{number}", keras.Model(stage.inputs[0], outputs)
    for name in exit_rule.exit_names(models.exits(model)):
        alone = {name: model.output[name]}
        yield name, keras.Model(model.inputs[0], alone)


def _convert(name, part):
    kind, _, number = name.partition("_")
    first = kind == "exit" or number == "1"
    source = "image" if first else f"features_{int(number) - 1}"
    spec = tf.TensorSpec((None, *part.inputs[0].shape[1:]), name=source)
    with (
        tempfile.TemporaryDirectory() as temporary,
        warnings.catch_warnings(),
        runs.silenced(),
    ):
        warnings.simplefilter("ignore")
        path = pathlib.Path(temporary, "part.onnx")
        try:
            part.export(
                str(path), format="onnx", verbose=False, input_signature=[spec]
            )
        except (ValueError, NotImplementedError, RuntimeError) as error:
            raise InputError(
                f"{FLOAT}: ONNX cannot express this model "
                f"({str(error).partition(chr(10))[0]}); choose another "
                "--backbone, or leave onnx out of --formats"
            ) from error
        return path.read_bytes()


def _joined(before, stage, name):
    """The stages before, which hand on features, and this one behind them.

    An exit alone then answers as the chain does, number for number: files that
    are quantized by themselves have ranges of their own.
    """
    stage = compose.add_prefix(
        stage, f"{name}/", rename_inputs=False, rename_outputs=False
    )
    if before is None:
        return stage
    (handed,) = (each.name for each in before.graph.output)
    return compose.merge_models(before, stage, io_map=[(handed, handed)])


def _with_output(model, name):
    """The part of a model that one of its outputs needs."""
    (given,) = (each.name for each in model.graph.input)
    return utils.Extractor(model).extract_model([given], [name])


def _features(part, samples):
    """What a stage hands on, few samples at a time."""
    parts = np.split(samples, range(BATCH, len(samples), BATCH))
    (name,) = (key for key in part.output if key.startswith("features"))
    return np.concatenate([part(given)[name] for given in parts])


def _quantize(content, path, samples):
    """Kernels in 8 bits for each channel, the rest by the range of samples.

    Scores stay in float32: eight bits of their range would be coarser than
    the certainties that thresholds compare.
    """
    with tempfile.TemporaryDirectory() as temporary, runs.silenced():
        floats = pathlib.Path(temporary, "floats.onnx")
        floats.write_bytes(content)
        prepared = pathlib.Path(temporary, "prepared.onnx")
        # Batch norms become part of the kernels before those are measured.
        quantization.quant_pre_process(
            floats, prepared, skip_symbolic_shape=True
        )
        graph = onnx.load(prepared).graph
        signed = pathlib.Path(temporary, "signed.onnx")
        quantization.quantize_static(
            prepared,
            signed,
            _Samples(graph.input[0].name, samples),
            per_channel=True,
            weight_type=quantization.QuantType.QInt8,
            activation_type=quantization.QuantType.QUInt8,
            nodes_to_exclude=_with_constants(graph),
            extra_options={
                "OpTypesToExcludeOutputQuantization": ["MatMul", "Gemm"]
            },
        )
        onnx.save(_unsigned(onnx.load(signed)), path)


def _unsigned(model):
    """Kernels about 128, not 0, by the same scales: the same numbers.

    On x86 without VNNI, ONNX Runtime adds products of a byte and a signed one
    in 16 bits, which saturate: an exit's scores were 5 off. Reference:
    microsoft/onnxruntime, issues 5849 and 12072.
    """
    tensors = {tensor.name: tensor for tensor in model.graph.initializer}
    for node in model.graph.node:
        if node.op_type != "DequantizeLinear":
            continue
        for name in (node.input[0], node.input[2]):
            tensor = tensors.get(name)
            if tensor is not None and tensor.data_type == onnx.TensorProto.INT8:
                moved = numpy_helper.to_array(tensor).astype("int16") + 128
                moved = moved.astype("uint8")
                tensor.CopyFrom(numpy_helper.from_array(moved, name))
    return model


def _with_constants(graph):
    """Sums and products with a constant: of pixels, and of scores' biases."""
    constants = {tensor.name for tensor in graph.initializer}
    return [
        node.name
        for node in graph.node
        if node.op_type in ("Add", "Mul") and constants & {*node.input}
    ]


class _Samples(quantization.CalibrationDataReader):
    """What stands for real inputs, batch by batch."""

    def __init__(self, name, samples):
        starts = range(BATCH, len(samples), BATCH)
        self._left = ({name: part} for part in np.split(samples, starts))

    def get_next(self):
        return next(self._left, None)
