"""The start of a training: kept whole, and kept where it is not beaten."""

import re
import types

import numpy as np
import pytest
import tiny

from elf_keras.errors import InputError
from elf_keras.training import first_weights


def answered(correct):
    """Exits answer by their own logits, so the last one is the backbone."""
    labels = np.zeros(len(correct), int)
    hits = np.array(correct, bool)
    found = types.SimpleNamespace(labels=labels, correct=hits)
    found.static_classes = np.where(hits[:, -1], 0, 1)
    return {"validation": found}


@pytest.mark.parametrize(
    ("exits", "better"),
    [
        ([[1, 0, 1], [0, 0, 0], [1, 1, 1]], True),
        # As often right, at other exits.
        ([[1, 0, 0], [0, 1, 0], [0, 0, 1]], False),
        # The last exit is better, all together are not.
        ([[0, 0, 1], [0, 0, 1], [0, 0, 0]], False),
        # All together are better, the last one is below the probe.
        ([[1, 1, 0], [1, 1, 0], [0, 0, 0]], False),
        # It need not be above.
        ([[1, 1, 0], [1, 1, 1], [0, 0, 0]], True),
    ],
)
def test_the_start_is_beaten_by_the_mean_over_exits(exits, better):
    before = answered([[0, 0, 1], [1, 1, 0], [0, 0, 0]])
    scorer = types.SimpleNamespace(
        weights=lambda labels: np.full(len(labels), 1 / len(labels))
    )
    assert first_weights.beaten(answered(exits), before, scorer) is better


def test_what_all_exits_answer_is_held_against_the_probe_alone():
    """Not against the start's sum, which poor exits may have spoilt."""
    before = answered([[0, 0], [0, 0], [1, 0]])
    now = answered([[1, 1], [1, 0], [1, 0]])
    scorer = types.SimpleNamespace(
        weights=lambda labels: np.full(len(labels), 1 / len(labels))
    )
    before["validation"].static_classes = np.array([0, 1, 1])
    assert first_weights.beaten(now, before, scorer)
    before["validation"].static_classes = np.array([0, 0, 1])
    assert not first_weights.beaten(now, before, scorer)


def test_a_last_exit_that_its_sum_spoils_counts_by_its_own_logits():
    """A policy can do without the sum."""
    before = answered([[0, 1], [0, 0], [0, 0]])
    now = answered([[1, 0], [1, 0], [0, 0]])
    scorer = types.SimpleNamespace(
        weights=lambda labels: np.full(len(labels), 1 / len(labels))
    )
    assert not first_weights.beaten(now, before, scorer)
    now["validation"].static_classes = np.array([0, 1, 1])
    assert first_weights.beaten(now, before, scorer)


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


def scores(own, *running):
    """Of the last exit by its own logits, and of exits by running sums."""
    exits = [{"accuracy": accuracy} for accuracy in running]
    return {"static": {"accuracy": own}, "exits": exits}


def scored(epoch, *accuracies):
    """What metrics.json has of a start and of the best epoch."""
    first = scores(0.5, 0.25, 0.375)
    best = {"epoch": epoch, **scores(*accuracies)}
    return {"validation": {"first": first, "best": best}}


@pytest.mark.parametrize(
    ("record", "says"),
    [
        ({"test": {}}, "without validation images nothing tells"),
        (
            scored(0, 0.5, 0.25, 0.375),
            r"exits 31.2 %, last exit 50.0 %\), so model.keras is",
        ),
        (
            scored(3, 0.75, 0.375, 0.625),
            r"is kept: .*31.2 → 50.0 %, .*50.0 → 75.0 %\)",
        ),
        # By its own logits it is below the probe; with those before it, not.
        (
            scored(3, 0.25, 0.5, 0.75),
            r"is kept: .*31.2 → 62.5 %, .*50.0 → 75.0 %\)",
        ),
    ],
)
def test_what_became_of_the_start_is_told(record, says):
    assert re.search(says, first_weights.sentence(record))


def test_a_start_that_is_lost_is_told_at_once(tmp_path):
    with pytest.raises(InputError, match="exits_first.weights.h5 is missing"):
        first_weights.check(tmp_path)
