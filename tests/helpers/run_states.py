"""What an interruption must not change, in a model and in a run's folder."""

import csv

import h5py
import numpy as np

CLOCK = ("seconds", "images_per_second")


def arrays(folder):
    """Weights, batch statistics and momenta after the last epoch, the 6th."""
    found = {}

    def keep(name, item):
        if isinstance(item, h5py.Dataset):
            found[name] = item[()]

    name = "checkpoints/epoch_0006_step_000000.weights.h5"
    with h5py.File(folder / name) as file:
        file.visititems(keep)
    return found


def history(folder):
    with (folder / "history.csv").open() as file:
        rows = list(csv.DictReader(file))
    return untimed(rows)


def untimed(rows):
    """The rows of a history but for what a clock said."""
    return [{k: v for k, v in row.items() if k not in CLOCK} for row in rows]


def state(model):
    """Weights, then everything the optimizer holds (momenta, steps)."""
    variables = [*model.weights, *model.optimizer.variables]
    return [np.array(variable) for variable in variables]


def same(one, other):
    """Whether two states are equal bit for bit."""
    assert len(one) == len(other)
    return all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))


def assert_same_run(folder, expected):
    """The folders of two runs hold the same last epoch and history."""
    one, other = arrays(expected), arrays(folder)
    assert one.keys() == other.keys()
    assert any(key.startswith("optimizer") for key in one)
    for key in one:
        np.testing.assert_array_equal(one[key], other[key], err_msg=key)
    assert history(folder) == history(expected)
