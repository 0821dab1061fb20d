"""A model as TFLite files: a chain of stages, and each exit alone.

VARIANT/stage_k.tflite maps the previous stage's features to exit k's scores
and the next stage's features; exit_k.tflite maps the image to exit k's
scores past no other head; stages.tflite holds all stages as signatures.
Softmax and exit rule run outside, in float32: an int8 softmax has steps of
1/256, coarser than the whole range of cosines from 100 classes on.
"""

import dataclasses
import pathlib
import tempfile
import warnings

import keras
import numpy as np
import tensorflow as tf
from tensorflow.lite.python.convert_phase import ConverterError

from elf_keras import models, runs
from elf_keras.choices import TFLITE_VARIANTS
from elf_keras.deploy import single_file
from elf_keras.errors import InputError
from elf_keras.exits import exit_rule

SINGLE_FILE = "single_file"


@dataclasses.dataclass(frozen=True)
class Graph:
    """What becomes one file: a function of one tensor, batch 1.

    Attributes:
      model: maps `(1, …)` to a dict of named outputs.
      source: name of the input, `image` or `features`.
      samples: inputs that stand for real ones, `(images, …)` float32.
    """

    model: keras.Model
    source: str
    samples: np.ndarray


def graphs(model: keras.Model, images: np.ndarray) -> dict[str, Graph]:
    """Return file name -> graph, the stages first.

    Args:
      model: a multi-exit model in float32.
      images: training images, by which int8 ranges are set, `(images, …)`.
    """
    found, features = {}, np.asarray(images, "float32")
    for number, stage in enumerate(models.stages(model), start=1):
        source = "image" if number == 1 else "features"
        found[f"stage_{number}"] = Graph(stage, source, np.asarray(features))
        features = stage(features, training=False).get("features")
    pixels = found["stage_1"].samples
    for name in exit_rule.exit_names(models.exits(model)):
        alone = keras.Model(model.inputs[0], {name: model.output[name]})
        found[name] = Graph(alone, "image", pixels)
    return found


def write(
    model: keras.Model,
    folder: pathlib.Path,
    *,
    variants: list[str],
    images: np.ndarray,
    with_single_file: bool = False,
) -> None:
    """Convert and write every file of the variants asked for.

    Args:
      model: a multi-exit model in float32.
      folder: `tflite/` of an export; a folder for each variant is made.
      variants: keys of `TFLITE_VARIANTS`.
      images: training images that stand for real ones, `(images, …)`.
      with_single_file: also one float32 file that decides by IF inside.
    """
    parts = graphs(model, images)
    stages = [name for name in parts if name.startswith("stage_")]
    files = {name: [name] for name in parts} | {"stages": stages}
    with tempfile.TemporaryDirectory() as temporary:
        _save_signatures(model, parts, temporary)
        for variant in variants:
            for name, signatures in files.items():
                content = _convert(temporary, signatures, variant, parts)
                _write(folder / variant / f"{name}.tflite", content)
        if with_single_file:
            content = _convert(temporary, [SINGLE_FILE], "float32", parts)
            _write(folder / "float32" / f"{SINGLE_FILE}.tflite", content)


def _save_signatures(model, parts, folder):
    signatures = {name: _signature(part) for name, part in parts.items()}
    stages = models.stages(model)
    signatures[SINGLE_FILE] = single_file.signature(stages)
    bare = tf.Module()
    bare.weights = [variable.value for variable in model.variables]
    with runs.silenced():
        tf.saved_model.save(bare, folder, signatures=signatures)


def _signature(part):
    spec = tf.TensorSpec((1, *part.samples.shape[1:]), name=part.source)

    def call(tensor):
        return part.model(tensor, training=False)

    return tf.function(call, input_signature=[spec]).get_concrete_function()


def _convert(folder, signatures, variant, parts):
    converter = tf.lite.TFLiteConverter.from_saved_model(
        folder, signature_keys=signatures
    )
    chosen = {name: parts[name] for name in signatures if name in parts}
    _VARIANTS[variant](converter, chosen)
    with warnings.catch_warnings(), runs.silenced():
        warnings.simplefilter("ignore")
        try:
            return converter.convert()
        except ConverterError as error:
            raise InputError(
                f"{variant}: TFLite cannot express this model "
                f"({str(error).partition(chr(10))[0]}); choose another "
                "--backbone, or --formats=saved_model"
            ) from error


def _float32(converter, parts):
    """Weights and activations as they are."""


def _float16(converter, parts):
    """Weights in half the bytes; computed in float32."""
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.target_spec.supported_types = [tf.float16]


def _int8_weights(converter, parts):
    """Weights in a quarter of the bytes; activations stay float32."""
    converter.optimizations = [tf.lite.Optimize.DEFAULT]


def _int8(converter, parts):
    """Integers throughout: image, features between stages, and scores."""

    def samples():
        for name, part in parts.items():
            for sample in part.samples:
                values = {part.source: sample[None]}
                yield (name, values) if len(parts) > 1 else values

    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = samples
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    converter.inference_input_type = tf.int8
    converter.inference_output_type = tf.int8


_VARIANTS = dict(
    zip(
        TFLITE_VARIANTS,
        (_float32, _float16, _int8_weights, _int8),
        strict=True,
    )
)


def _write(path, content):
    with runs.replacing(path) as temporary:
        temporary.write_bytes(content)
