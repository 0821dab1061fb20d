"""The folder of a run whose tiny model answers at random, and its data."""

import numpy as np
import tiny

from elf_keras import runs
from elf_keras.cli import data_from_flags
from elf_keras.data import splits


def folder(path, *, model=None):
    """Write flags, record and model; return the folder."""
    path.mkdir()
    (path / runs.FLAGS).write_text("--imbalance=20\n")
    (path / runs.RECORD).write_text(
        '{"data": {"class_names": ["a", "b", "c"]}}'
    )
    (model or spread()).save(path / runs.MODEL)
    return path


def spread():
    """Scores so large that some images are sure and some are not."""
    model = tiny.model(seed=3)
    for name in ("exit_1", "exit_2"):
        layer = model.get_layer(name)
        layer.set_weights([6 * layer.weights[0], layer.weights[1]])
    return model


def give(monkeypatch, **parts):
    """Commands load these splits in place of data."""
    data = splits.Splits(
        **{
            "validation": tiny.examples((20, 12, 5), seed=4),
            "test": tiny.examples((9, 9, 9), seed=5),
            **parts,
        },
        train=tiny.examples((9, 6, 3)),
        class_names=("a", "b", "c"),
        class_counts=np.array([200, 50, 9]),
    )
    monkeypatch.setattr(data_from_flags, "splits", lambda *_: data)
    return data
