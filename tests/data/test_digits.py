"""The digits against scikit-learn's own copy."""

import numpy as np
from sklearn import datasets

from elf_keras import data


def test_digits_are_long_tailed_and_scaled():
    loaded = data.load("digits_lt", data.Request(imbalance=20))
    assert loaded.image_shape == (8, 8, 1)
    assert loaded.train.images.dtype == np.uint8
    assert loaded.train.labels.dtype == np.int32
    assert loaded.class_names == tuple("0123456789")
    assert loaded.class_counts[0] // loaded.class_counts[-1] in (20, 21)
    cut = loaded.class_counts - loaded.train_counts
    assert sum(cut) == len(loaded.validation)
    assert (loaded.train_counts < loaded.class_counts).all()


def test_names_lead_back_to_the_source_each_in_one_split():
    loaded = data.load("digits_lt", data.Request(imbalance=10))
    source = datasets.load_digits()
    parts = (loaded.train, loaded.validation, loaded.test)
    names = [name for part in parts for name in part.names]
    assert len(set(names)) == len(names)
    for part in parts:
        rows = [int(name.removeprefix("digits:")) for name in part.names]
        assert rows == sorted(rows)
        assert source.target[rows].tolist() == part.labels.tolist()
        expected = source.images[rows] * 255 / 16
        assert abs(part.images[..., 0] - expected).max() <= 0.5


def test_digits_test_is_a_quarter_of_every_class():
    loaded = data.load("digits_lt")
    whole = np.bincount(datasets.load_digits().target)
    shares = np.bincount(loaded.test.labels) / whole
    assert abs(shares - 0.25).max() < 0.01


def test_digits_depend_on_the_seed_alone():
    first, again, other = (
        data.load("digits_lt", data.Request(seed=seed)).train.names
        for seed in (1, 1, 2)
    )
    assert first == again != other
