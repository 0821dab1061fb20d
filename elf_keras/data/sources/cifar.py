"""CIFAR-10-LT and CIFAR-100-LT from TensorFlow Datasets.

LDAM, section 4.2: the training split decays exponentially over the classes in
their native order; the test split stays balanced and whole.
"""

import pathlib
import socket
import urllib.parse
import urllib.request

import numpy as np

from elf_keras.data import data_request, splits
from elf_keras.data.sources import digits
from elf_keras.errors import InputError


def load(name: str, request: data_request.Request) -> splits.Splits:
    """`cifar10` or `cifar100` with `request.imbalance`, 32 pixels square."""
    builder = _prepared(name, request.data_dir)
    class_names = tuple(builder.info.features["label"].names)
    train, test = (_decoded(builder, split) for split in ("train", "test"))
    return digits.long_tailed(train, test, class_names, request)


def _prepared(name: str, data_dir: pathlib.Path | None):
    """A builder whose data are on disk; downloads only to TFDS' own place."""
    import tensorflow_datasets as tfds

    remedy = (
        "run once with network and without --data_dir to download it, or "
        f"point --data_dir at a TensorFlow Datasets folder with {name}/"
    )
    if data_dir is not None and not (data_dir / name).is_dir():
        raise InputError(f"no {name}/ in {data_dir}: {remedy}")
    try:
        builder = tfds.builder(name, data_dir=data_dir)
        if data_dir is None and not builder.is_prepared():
            _check_network(builder)
            builder.download_and_prepare()
    except Exception as error:  # the network fails in too many types
        reason = str(error).strip().partition("\n")[0]
        raise InputError(
            f"{name} cannot be prepared ({type(error).__name__}: {reason}): "
            f"{remedy}"
        ) from error
    if not builder.is_prepared():
        raise InputError(f"{data_dir / name} holds no data: {remedy}")
    return builder


def _check_network(builder) -> None:
    """Fail at once where no name is resolved: TFDS retries for minutes."""
    if urllib.request.getproxies():
        return  # A proxy may resolve what this machine cannot.
    for url in builder.url_infos:
        socket.getaddrinfo(urllib.parse.urlsplit(url).hostname, 443)


def _decoded(builder, split: str) -> splits.Examples:
    """All examples of a split at once, in source order."""
    import tensorflow_datasets as tfds

    arrays = tfds.as_numpy(
        builder.as_dataset(split=split, batch_size=-1, shuffle_files=False)
    )
    return splits.Examples(
        arrays["image"],
        arrays["label"].astype(np.int32),
        tuple(identity.decode() for identity in arrays["id"]),
    )
