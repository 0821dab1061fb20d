"""The start of a training: kept whole, and kept where it is not beaten."""

import types

import numpy as np
import pytest
import tiny

from elf_keras.errors import InputError
from elf_keras.training import first_weights


def answered(correct):
    labels = np.zeros(len(correct), int)
    hits = np.array(correct, bool)
    return {"validation": types.SimpleNamespace(labels=labels, correct=hits)}


@pytest.mark.parametrize(
    ("exits", "better"),
    [
        ([[1, 0, 1], [0, 0, 0], [1, 1, 1]], True),
        # As often right, at other exits.
        ([[1, 0, 0], [0, 1, 0], [0, 0, 1]], False),
        # The last exit is better, all together are not.
        ([[0, 0, 1], [0, 0, 1], [0, 0, 0]], False),
        # Once more all together: the last one is worse.
        ([[1, 1, 0], [1, 1, 0], [0, 0, 0]], True),
    ],
)
def test_the_start_is_beaten_by_the_mean_over_exits(exits, better):
    before = answered([[0, 0, 1], [1, 1, 0], [0, 0, 0]])
    scorer = types.SimpleNamespace(
        weights=lambda labels: np.full(len(labels), 1 / len(labels))
    )
    assert first_weights.beaten(answered(exits), before, scorer) is better


def test_the_start_is_beaten_by_means_over_classes():
    """One image of the rare class weighs as much as three of the other."""
    before = answered([[0, 0], [1, 0], [0, 0], [0, 0]])
    now = answered([[0, 0], [0, 0], [0, 0], [1, 0]])
    scorer = types.SimpleNamespace(
        weights=lambda labels: np.array([1, 1, 1, 3]) / 6
    )
    assert first_weights.beaten(now, before, scorer)
    assert not first_weights.beaten(before, now, scorer)


def test_a_damaged_start_is_one_line(tmp_path):
    model = tiny.compiled()
    first_weights.keep(tmp_path, model)
    path = tmp_path / "checkpoints" / "exits_first.weights.h5"
    path.write_bytes(path.read_bytes()[:2000])
    with pytest.raises(InputError, match="exits_first.weights.h5 is damaged"):
        first_weights.load(tmp_path, model)
