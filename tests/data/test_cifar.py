"""CIFAR-10 as stored by TensorFlow Datasets; wrong folders."""

import socket
from unittest import mock

import numpy as np
import pytest

from elf_keras import data, errors
from elf_keras.data import long_tail

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def cifar(test_data):
    if not (test_data / "cifar10").is_dir():
        pytest.skip(f"no cifar10/ in {test_data}")
    return data.load(
        "cifar10_lt", data.Request(data_dir=test_data, imbalance=100)
    )


def test_cifar10_counts(cifar):
    published = long_tail.exponential_counts(5000, 10, 100)
    assert cifar.class_counts.tolist() == published.tolist()
    assert cifar.train_counts.tolist() == [
        *(4500, 2697, 1616, 969, 581, 348, 209, 125, 75, 45)
    ]
    assert len(cifar.train) + len(cifar.validation) == 12406
    assert cifar.class_names[:2] == ("airplane", "automobile")
    assert cifar.image_shape == (32, 32, 3)
    assert np.bincount(cifar.test.labels).tolist() == [1000] * 10


def test_cifar10_keeps_the_order_of_tfds(cifar, test_data):
    import tensorflow_datasets as tfds

    source = tfds.load(
        "cifar10", split="train[:2000]", data_dir=test_data, download=False
    )
    stored = {row["id"].decode(): row for row in tfds.as_numpy(source)}
    for part in (cifar.train, cifar.validation):
        rows = [row for row, name in enumerate(part.names) if name in stored]
        names = [part.names[row] for row in rows]
        assert names == [name for name in stored if name in set(names)]
        first = stored[names[0]]
        assert part.labels[rows[0]] == first["label"]
        np.testing.assert_array_equal(part.images[rows[0]], first["image"])
    assert not set(cifar.train.names) & set(cifar.validation.names)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("cifar100_lt", "no cifar100/ in"),
        ("cifar10_lt", "run once with net"),
    ],
)
def test_folder_without_data_is_refused(tmp_path, name, words):
    (tmp_path / "cifar10").mkdir()
    with pytest.raises(errors.InputError, match=words):
        data.load(name, data.Request(data_dir=tmp_path))


def refused(monkeypatch, error):
    """What is said where a builder has no data, and its download fails."""
    import tensorflow_datasets as tfds

    builder = mock.Mock(url_infos={"https://data.invalid/cifar.tar.gz": None})
    builder.is_prepared.return_value = False
    builder.download_and_prepare.side_effect = error
    monkeypatch.setattr(tfds, "builder", lambda name, data_dir: builder)
    with pytest.raises(errors.InputError, match="point --data_dir") as caught:
        data.load("cifar100_lt")
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_failed_download_is_one_line(monkeypatch):
    monkeypatch.setattr(socket, "getaddrinfo", lambda host, port: [])
    error = ConnectionError("no route\nto host")
    assert "no route" in refused(monkeypatch, error)


def test_without_a_network_no_download_is_tried(monkeypatch):
    def unknown(host, port):
        raise socket.gaierror(-2, f"{host} not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    for name in ("HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy"):
        monkeypatch.delenv(name, raising=False)
    error = AssertionError("tried to download")
    assert "data.invalid not known" in refused(monkeypatch, error)
