"""The devices of a training, as one of TensorFlow's strategies."""

import os

import tensorflow as tf

from elf_keras.distribution import workers
from elf_keras.distribution.cluster import Cluster
from elf_keras.errors import InputError


def create(name: str, cluster: Cluster | None) -> tf.distribute.Strategy:
    """Return a strategy by its name in `choices.STRATEGIES`.

    Args:
      name: `auto` takes all GPUs of this machine, if there are several.
      cluster: the workers to join, whatever the name; None for none.

    Raises:
      InputError: where the devices are not there.
    """
    if cluster:
        return workers.connect(cluster)
    if name == "tpu":
        return _tpu()
    gpus = tf.config.list_logical_devices("GPU")
    if name == "mirrored" or (name == "auto" and len(gpus) > 1):
        devices = gpus or tf.config.list_logical_devices("CPU")
        return tf.distribute.MirroredStrategy([d.name for d in devices])
    return tf.distribute.get_strategy()


def _tpu():
    name = os.environ.get("TPU_NAME", "local")
    try:
        found = tf.distribute.cluster_resolver.TPUClusterResolver(name)
        tf.config.experimental_connect_to_cluster(found)
        tf.tpu.experimental.initialize_tpu_system(found)
        return tf.distribute.TPUStrategy(found)
    except (ValueError, RuntimeError, tf.errors.OpError, OSError) as error:
        raise InputError(
            f"--strategy=tpu: no TPU {name!r} ({str(error).splitlines()[0]}); "
            "run on a TPU virtual machine, or set TPU_NAME to a slice"
        ) from error
