"""What would not run on a phone is found in the file."""

import re

import pytest
import tensorflow as tf

from elf_keras import runs
from elf_keras.deploy import phone_checks
from elf_keras.errors import InputError


def saved(path, function, batch=1):
    """Converted from a SavedModel, whose signature names the tensors."""
    folder = str(path.with_suffix(""))
    spec = tf.TensorSpec((batch, 4), name="image")
    concrete = tf.function(
        lambda image: {"y": function(image)}
    ).get_concrete_function(spec)
    with runs.silenced():
        tf.saved_model.save(tf.Module(), folder, signatures={"serve": concrete})
        converter = tf.lite.TFLiteConverter.from_saved_model(folder)
        converter.allow_custom_ops = True
        path.write_bytes(converter.convert())
    return path


def double(image):
    return 2 * image


def beta(image):
    return tf.math.betainc(image, image, image)


def half(image):
    return tf.cast(tf.cast(image, "float16"), "float32")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("function", "batch", "count", "says"),
    [
        (beta, 1, 1, "custom operation Betainc$"),
        (double, None, 2, r"image has shape \[1, 4\], .* batch 1$"),
        (double, 2, 2, r"image has shape \[2, 4\], .* batch 1$"),
        (half, 1, 1, "computes in float16$"),
    ],
)
def test_what_a_phone_would_not_run(tmp_path, function, batch, count, says):
    path = saved(tmp_path / "a.tflite", function, batch)
    found = phone_checks.problems(path, dtype="float32")
    assert len(found) == count
    assert re.match(f"a.tflite: {says}", found[0])


def test_only_another_type_than_asked_for_is_a_problem(tmp_path):
    path = saved(tmp_path / "int8" / "a.tflite", double)
    assert phone_checks.problems(path, dtype="float32") == []
    found = phone_checks.problems(path, dtype="int8")
    assert found[0].endswith("image is float32, expected int8")
    with pytest.raises(InputError, match="int8 would not run on a phone: a"):
        phone_checks.refuse(path.parent)
