"""Names end in TensorFlow's strategies, or in one clear line."""

import command_runs
import pytest
import tensorflow as tf

from elf_keras.distribution import strategies


@pytest.mark.parametrize("name", ["auto", "single"])
def test_one_device_needs_no_strategy(name):
    assert strategies.create(name, None) is tf.distribute.get_strategy()


def test_mirrored_takes_what_is_here():
    found = strategies.create("mirrored", None)
    assert isinstance(found, tf.distribute.MirroredStrategy)
    devices = tf.config.list_logical_devices("GPU")
    devices = devices or tf.config.list_logical_devices("CPU")
    assert found.num_replicas_in_sync == len(devices)


@pytest.mark.slow
def test_no_tpu(tmp_path, monkeypatch):
    """In a process of its own, since it clears what TensorFlow has begun."""
    if tf.config.list_physical_devices("TPU"):
        pytest.skip("there is a TPU here")
    monkeypatch.setenv("TPU_NAME", "local")
    words = ("-m", "elf_keras.train", "--strategy=tpu", *command_runs.TINY)
    child = command_runs.child(*words, f"--workdir={tmp_path / 'run'}")
    ended = command_runs.ended(child)
    assert ended.status == 2
    (line,) = ended.errors
    assert "no TPU 'local'" in line
    assert not (tmp_path / "run").exists()
