"""CIFAR-10 as stored by TensorFlow Datasets; wrong folders."""

import numpy as np
import pytest

from elf_keras import data, errors


@pytest.fixture(scope="module")
def cifar(test_data):
    if not (test_data / "cifar10").is_dir():
        pytest.skip(f"no cifar10/ in {test_data}")
    return data.load("cifar10_lt", data_dir=test_data, imbalance=100)


def test_cifar10_counts(cifar):
    assert cifar.class_counts.tolist() == [
        *(5000, 2997, 1796, 1077, 645, 387, 232, 139, 83, 50)
    ]
    assert cifar.train_counts.tolist() == [
        *(4500, 2697, 1616, 969, 581, 348, 209, 125, 75, 45)
    ]
    assert len(cifar.train) + len(cifar.validation) == 12406
    assert cifar.class_names[:2] == ("airplane", "automobile")
    assert cifar.image_shape == (32, 32, 3)


def test_cifar10_test_stays_whole(cifar):
    assert len(cifar.test) == 10000
    assert set(cifar.test.labels.tolist()) == set(range(10))
    assert (cifar.test.labels == 0).sum() == 1000


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


def test_folder_without_the_data_set_is_refused(tmp_path):
    with pytest.raises(errors.InputError, match="no cifar100/ in"):
        data.load("cifar100_lt", data_dir=tmp_path)


def test_folder_with_an_empty_data_set_is_refused(tmp_path):
    (tmp_path / "cifar10").mkdir()
    with pytest.raises(errors.InputError, match="run once with network"):
        data.load("cifar10_lt", data_dir=tmp_path)


def test_failed_download_is_one_line(monkeypatch):
    import tensorflow_datasets as tfds

    class Builder:
        def download_and_prepare(self):
            raise ConnectionError("no route\nto host")

    monkeypatch.setattr(tfds, "builder", lambda name, data_dir: Builder())
    with pytest.raises(errors.InputError, match="no route") as caught:
        data.load("cifar100_lt")
    assert "\n" not in str(caught.value)
