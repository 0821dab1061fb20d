"""Confusion by exit, against scikit-learn."""

import made_report
import numpy as np
import sklearn.metrics

from elf_keras.reports.charts import confusion


def test_pairs_are_those_of_the_confusion_matrix():
    random = np.random.default_rng(0)
    true, guess = random.integers(0, 5, (2, 80))
    pairs = confusion.count(true, guess)
    matrix = np.zeros((5, 5), int)
    matrix[pairs.true, pairs.guess] = pairs.images
    expected = sklearn.metrics.confusion_matrix(true, guess, labels=range(5))
    np.testing.assert_array_equal(matrix, expected)
    assert (pairs.images > 0).all()


def test_all_exits_together_hold_each_image_once(tmp_path):
    view = made_report.view(tmp_path / "run", counts=(5, 500, 50))
    found, chosen = view.seen, view.chosen
    total = 0
    for number in range(view.exits):
        own = chosen.exit_taken == number
        pairs = confusion.count(found.labels[own], chosen.classes[own])
        total = total + confusion.shares(view, pairs, 1)
    np.testing.assert_allclose(total.sum(axis=1), 1)
    # The commonest class comes first: its place is 1.
    right = (chosen.classes == found.labels)[found.labels == 1].mean()
    np.testing.assert_allclose(total[0, 0], right)


def test_many_classes_share_squares(tmp_path):
    counts = range(300, 180, -1)
    view = made_report.view(tmp_path / "run", counts=counts, images=4)
    drawn = confusion.confusions(view)
    assert len(drawn) == 3
    # 120 classes in at most 50 rows: three in a square.
    assert "Each square holds 3 classes" in drawn[0].shows
    rows = [row for chart in drawn for row in chart.rows]
    assert sum(row["images"] for row in rows) == 480
