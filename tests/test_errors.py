"""A file of TensorFlow's that cannot grow is told as any other file."""

import command_runs
import keras
import pytest
import tensorflow as tf
import tiny

from elf_keras import errors


@pytest.mark.slow
def test_a_full_disk_is_an_error_of_the_system(tmp_path):
    model, data = tiny.compiled(), tiny.data().train
    callback = keras.callbacks.TensorBoard(tmp_path, write_graph=False)
    with (
        pytest.raises(OSError, match="File too large") as caught,
        command_runs.full_disk(100),
        errors.translated(),
    ):
        model.fit(data.images, data.labels, verbose=0, callbacks=[callback])
    assert str(tmp_path) in caught.value.filename


def test_other_errors_pass():
    for message in ("End of sequence", "a/b.jpg; No such file or directory"):
        error = tf.errors.OutOfRangeError(None, None, message)
        with pytest.raises(tf.errors.OutOfRangeError), errors.translated():
            raise error


def test_a_disk_that_fails_in_reading_is_no_full_one():
    """Whoever frees the disk then has not mended anything."""
    message = (
        "{{function_node __inference_Dataset_map_read_7}} /my photos/a.jpg; "
        "Input/output error\n\t [[{{node ReadFile}}]] [Op:IteratorGetNext]"
    )
    error = tf.errors.UnknownError(None, None, message)
    told = r"^/my photos/a.jpg cannot be read \(Input/output error\); repair"
    with pytest.raises(errors.InputError, match=told), errors.translated():
        raise error


@pytest.mark.parametrize("write", ["saved_model", "weights"])
def test_a_saved_model_that_does_not_fit(tmp_path, write):
    module = tf.Module()
    module.weights = tf.Variable(tf.zeros(1000))
    with (
        pytest.raises(OSError, match="File too large") as caught,
        command_runs.full_disk(100),
        errors.translated(),
    ):
        if write == "saved_model":
            tf.saved_model.save(module, tmp_path)
        else:
            tf.train.Checkpoint(module=module).write(f"{tmp_path}/weights")
    assert str(tmp_path) in caught.value.filename
