"""A model as TFLite files: a chain of stages, and each exit alone.

VARIANT/stage_k.tflite maps the previous stage's features to exit k's scores
and the next stage's features; exit_k.tflite maps the image to exit k's
scores past no other head; stages.tflite holds all stages as signatures.
Softmax and exit rule run outside, in float32: an int8 softmax has steps of
1/256, coarser than the whole range of cosines from 100 classes on.
"""

import contextlib
import gc
import pathlib
import tempfile
import warnings

import keras
import numpy as np
import tensorflow as tf
from tensorflow.lite.python.convert_phase import ConverterError

from elf_keras import runs
from elf_keras.deploy import (
    graphs,
    phone_checks,
    rounding,
    tflite_parts,
    tflite_split,
)
from elf_keras.errors import InputError
from elf_keras.exits.answer_rule import AnswerRule

SINGLE_FILE = "single_file"
# Variants whose weights are integers.
INTEGERS = ("int8_weights", "int8")


def write(
    model: keras.Model,
    folder: pathlib.Path,
    *,
    variants: list[str],
    images: np.ndarray,
    single_file: AnswerRule | None = None,
    rounded: keras.Model | None = None,
) -> None:
    """Convert and write every file of the variants asked for.

    Args:
      folder: `tflite/` of an export; a folder for each variant is made.
      variants: of `TFLITE_VARIANTS`.
      images: training images that stand for real ones, `(images, …)`.
      single_file: how images leave in one more float32 file, which decides
        by IF inside; None leaves it out.
      rounded: what `rounding.of_model` makes of both, if it is there already.

    Raises:
      InputError: where TFLite cannot express the model, or a file of it
        could not run on a phone.
    """
    with _without_old_objects():
        _write(model, folder, variants, images, (single_file, rounded))
    for variant in variants:
        phone_checks.refuse(folder / variant)


@contextlib.contextmanager
def _without_old_objects():
    """Keep what is there out of the garbage collections of the converter.

    It makes one for each file: a third of a second with a framework loaded.
    """
    gc.collect()
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()


def _write(model, folder, variants, images, given):
    single_file, rounded = given
    integers = [name for name in variants if name in INTEGERS]
    floats = [name for name in variants if name not in INTEGERS]
    if floats:
        convert(model, folder, variants=floats, images=images)
    if floats and single_file is not None:
        nested = graphs.nested(tflite_parts.frozen(model), single_file)
        with _saved({SINGLE_FILE: nested}) as place:
            content = _convert(place, [SINGLE_FILE], "float32")
        _write_files(folder / "float32", [(SINGLE_FILE, content)])
    if integers:
        rounded = rounded or rounding.of_model(model, images)
        convert(rounded, folder, variants=integers, images=images)


def convert(
    model: keras.Model,
    folder: pathlib.Path,
    *,
    variants: list[str],
    images: np.ndarray,
    only: list[str] | None = None,
) -> None:
    """Convert a model to variants of the same weights, all files at once.

    Args:
      model: in float32.
      folder: `tflite/` of an export; a folder for each variant is made.
      variants: that these weights are meant for.
      images: training images that stand for real ones, `(images, …)`.
      only: files that are written; None for all.
    """
    stages = tflite_parts.frozen(model)
    files = tflite_parts.cuts(len(stages))
    files = {name: files[name] for name in only or files}
    parts = {"network": tflite_parts.network(stages, images)}
    with _saved(_signatures(parts)) as place:
        for variant in variants:
            content = _convert(place, [*parts], variant, parts)
            found = tflite_split.files(content, files)
            if found is None:
                found = _one_by_one(stages, images, variant, files)
            _write_files(folder / variant, found)


def _one_by_one(stages, images, variant, files):
    parts = tflite_parts.one_by_one(stages, images)
    for name, cuts in files.items():
        held = {cut.key: parts[cut.key] for cut in cuts}
        with _saved(_signatures(held)) as place:
            yield name, _convert(place, [*held], variant, held)


def _write_files(folder, found):
    for name, content in found:
        with runs.replacing(folder / f"{name}.tflite") as whole:
            whole.write_bytes(content)


@contextlib.contextmanager
def _saved(signatures):
    """A folder with a SavedModel, which the converter reads."""
    # To save, load and freeze hundreds of variables takes longer than to
    # convert; nobody asks for gradients either.
    options = tf.saved_model.SaveOptions(experimental_custom_gradients=False)
    with tempfile.TemporaryDirectory() as folder:
        with runs.silenced():
            tf.saved_model.save(
                tf.Module(), folder, signatures=signatures, options=options
            )
        yield folder


def _signatures(parts):
    return {name: _signature(part) for name, part in parts.items()}


def _signature(part):
    spec = tf.TensorSpec((1, *part.samples.shape[1:]), name=part.source)

    def call(tensor):
        return part.model(tensor)

    call = tf.function(call, input_signature=[spec], autograph=False)
    return call.get_concrete_function()


def _convert(folder, signatures, variant, parts=None):
    with warnings.catch_warnings(), runs.silenced():
        warnings.simplefilter("ignore")
        converter = tf.lite.TFLiteConverter.from_saved_model(
            folder, signature_keys=signatures
        )
        # To write it, the file is taken apart and packed once more.
        converter.exclude_conversion_metadata = True
        _set_precision(converter, variant, parts)
        try:
            return converter.convert()
        except ConverterError as error:
            raise InputError(
                f"{variant}: TFLite cannot express this model "
                f"({str(error).partition(chr(10))[0]}); choose another "
                "--backbone, or --formats=saved_model"
            ) from error


def _set_precision(converter, variant, parts):
    """Weights in half or a quarter of the bytes; int8 computes so, too."""
    if variant == "float32":
        return
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    if variant == "float16":
        converter.target_spec.supported_types = [tf.float16]
    if variant == "int8":
        # Image, features between stages, and scores are integers as well.
        builtins = tf.lite.OpsSet.TFLITE_BUILTINS_INT8
        converter.target_spec.supported_ops = [builtins]
        converter.representative_dataset = lambda: _samples(parts)
        converter.inference_input_type = tf.int8
        converter.inference_output_type = tf.int8


def _samples(parts):
    for name, part in parts.items():
        for sample in part.samples:
            values = {part.source: sample[None]}
            yield (name, values) if len(parts) > 1 else values
