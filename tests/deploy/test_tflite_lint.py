"""Files that must not ship, made for the purpose."""

import pytest
import tensorflow as tf

from elf_keras import runs
from elf_keras.deploy import tflite_chain


def saved(path, function, spec, *, custom=False):
    """Converted from a SavedModel, whose signature names the tensors."""
    module = tf.Module()
    folder = str(path.with_suffix(""))
    concrete = tf.function(function).get_concrete_function(spec)
    with runs.silenced():
        tf.saved_model.save(module, folder, signatures={"serve": concrete})
        converter = tf.lite.TFLiteConverter.from_saved_model(folder)
        converter.allow_custom_ops = custom
        path.write_bytes(converter.convert())
    return path


def spec(*shape, dtype="float32"):
    return tf.TensorSpec(shape, dtype, name="image")


def test_a_good_file_has_no_problem(tmp_path):
    path = saved(
        tmp_path / "a.tflite", lambda image: {"y": 2 * image}, spec(1, 4)
    )
    assert tflite_chain.problems(path, dtype="float32") == []


def test_operations_outside_the_runtime(tmp_path):
    path = saved(
        tmp_path / "a.tflite",
        lambda image: {"y": tf.math.betainc(image, image, image)},
        spec(1, 4),
        custom=True,
    )
    found = tflite_chain.problems(path, dtype="float32")
    assert found == ["a.tflite: custom operation Betainc"]


@pytest.mark.parametrize("batch", [None, 2])
def test_a_batch_that_is_not_one(tmp_path, batch):
    path = saved(
        tmp_path / "a.tflite", lambda image: {"y": 2 * image}, spec(batch, 4)
    )
    found = tflite_chain.problems(path, dtype="float32")
    assert len(found) == 2
    assert "image has shape" in found[0] and "batch 1" in found[0]


def test_another_type_than_asked_for(tmp_path):
    path = saved(
        tmp_path / "a.tflite", lambda image: {"y": 2 * image}, spec(1, 4)
    )
    found = tflite_chain.problems(path, dtype="int8")
    assert found[0].endswith("image is float32, expected int8")


def test_half_precision_inside(tmp_path):
    def half(image):
        return {"y": tf.cast(tf.cast(image, "float16"), "float32")}

    path = saved(tmp_path / "a.tflite", half, spec(1, 4))
    found = tflite_chain.problems(path, dtype="float32")
    assert "a.tflite: computes in float16" in found
