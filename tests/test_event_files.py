"""An event file that cannot grow is told as any other file."""

import resource
import signal

import keras
import pytest
import tensorflow as tf
import tiny

from elf_keras import event_files


@pytest.fixture
def small_files():
    """No file of this process may grow beyond 100 bytes."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    yield lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (100, before[1]))
    resource.setrlimit(resource.RLIMIT_FSIZE, before)
    signal.signal(signal.SIGXFSZ, ignored)


def test_a_full_disk_is_an_error_of_the_system(small_files, tmp_path):
    model, data = tiny.compiled(), tiny.data().train
    callback = keras.callbacks.TensorBoard(tmp_path, write_graph=False)
    small_files()
    with (
        pytest.raises(OSError, match="File too large") as caught,
        event_files.clear_errors(),
    ):
        model.fit(data.images, data.labels, verbose=0, callbacks=[callback])
    assert str(tmp_path) in caught.value.filename


def test_other_errors_pass(tmp_path):
    error = tf.errors.OutOfRangeError(None, None, "End of sequence")
    with pytest.raises(tf.errors.OutOfRangeError), event_files.clear_errors():
        raise error
