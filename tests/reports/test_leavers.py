"""Who leaves where, against loops over images."""

import dataclasses

import made_report
import numpy as np
import pytest

from elf_keras import runs
from elf_keras.exits.thresholds import ExitThresholds
from elf_keras.reports import leavers, run_folder


@pytest.fixture
def view(tmp_path):
    return made_report.view(tmp_path / "run")


def taken(view, thresholds):
    """Exit and answer of each image, one by one."""
    limits = thresholds.early
    found = view.seen
    for label, classes, sure in zip(
        found.labels, found.classes, found.certainty, strict=True
    ):
        k = next((k for k, s in enumerate(limits) if sure[k] > s), len(limits))
        yield int(label), k, int(classes[k]) == label


def test_composition(view):
    thresholds = ExitThresholds.of([0.5, 0.6])
    rows = leavers.composition(view, thresholds)
    assert len(rows) == 3 * 3
    for row in rows:
        group = view.shot_groups[row["group"]]
        own = [each[1:] for each in taken(view, thresholds) if group[each[0]]]
        here = [right for k, right in own if k == row["exit"] - 1]
        # As many test images of each class: plain means.
        assert row["share"] == pytest.approx(len(here) / len(own))
        assert row["accuracy"] == pytest.approx(sum(here) / len(here))


def test_changes_count_right_answers(view):
    answers = list(taken(view, view.point.thresholds))
    rows = leavers.changes(view)
    assert [row["index"] for row in rows] == list(range(6))
    for row in rows:
        own = [right for c, _, right in answers if c == row["index"]]
        assert row["dynamic_right"] == sum(own)
        assert row["images"] == len(own) == 20
        lost = row["dynamic_right"] - row["static_right"]
        assert row["change"] == pytest.approx(lost / 20)


def test_changes_as_the_training_wrote_them(view):
    row = {"training_images": 5, "test_images": 20, "dynamic_accuracy": 0.5}
    accuracies = [0.5, 0.6, 0.7, 0.8, 0.9, 1.0]
    table = [
        {"class": f"class {c}", **row, "static_accuracy": accuracy}
        for c, accuracy in enumerate(accuracies)
    ]
    runs.write_csv(view.folder.path / "per_class.csv", table)
    read = run_folder.read(view.folder.path)
    alone = dataclasses.replace(view, folder=read, scored=None)
    rows = leavers.changes(alone)
    assert [row["static_right"] for row in rows] == [10, 12, 14, 16, 18, 20]
    np.testing.assert_allclose(
        [row["change"] for row in rows], 0.5 - np.array(accuracies)
    )
    assert alone.point.thresholds.to_json() == [0.6, 0.6]
