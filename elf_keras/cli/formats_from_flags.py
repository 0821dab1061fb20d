"""From --formats to the formats that an export can have here."""

import importlib.util

from absl import flags

from elf_keras import choices
from elf_keras.errors import InputError

FLAGS = flags.FLAGS


def check() -> None:
    """Refuse formats that are none, or that nothing installed can make."""
    unknown = set(FLAGS.formats) - set(choices.EXPORT_FORMATS)
    if unknown or not FLAGS.formats:
        raise InputError(
            f"--formats={','.join(FLAGS.formats)}: expected one or more of "
            f"{', '.join(choices.EXPORT_FORMATS)}"
        )
    if "single_file" in FLAGS.formats and "float32" not in FLAGS.formats:
        raise InputError(
            "--formats: single_file comes with float32; add float32"
        )
    phones = {*choices.TFLITE_VARIANTS}.intersection(FLAGS.formats)
    if phones and not _installed("ai_edge_litert"):
        raise InputError(
            "--formats: TFLite files are checked in the runtime that phones "
            'use, which is missing: pip install "elf_keras[edge]", or '
            "ai-edge-litert alone; or give --formats=saved_model"
        )
    others = {*choices.ONNX_VARIANTS}.intersection(FLAGS.formats)
    if others and not _installed("onnx", "onnxruntime", "tf2onnx"):
        raise InputError(
            "--formats: ONNX files are made by tf2onnx and checked in ONNX "
            'Runtime, of which one is missing: pip install "elf_keras[onnx]", '
            "or onnx onnxruntime tf2onnx alone; or leave "
            f"{', '.join(sorted(others))} out"
        )


def _installed(*packages):
    return all(importlib.util.find_spec(package) for package in packages)
