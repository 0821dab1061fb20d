"""Confusion, overall and by exit, against scikit-learn."""

import made_report
import numpy as np
import pytest
import sklearn.metrics

from elf_keras.reports import confused
from elf_keras.reports.charts import confusion


def test_pairs_are_those_of_the_confusion_matrix():
    random = np.random.default_rng(0)
    true, guess = random.integers(0, 5, (2, 80))
    pairs = confused.count(true, guess)
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
        pairs = confused.left_at(view, chosen, number)
        total = total + confused.shares(view, pairs, 1)
    np.testing.assert_allclose(total.sum(axis=1), 1)
    # The most frequent class comes first: its place is 1.
    right = (chosen.classes == found.labels)[found.labels == 1].mean()
    np.testing.assert_allclose(total[0, 0], right)
    # Where nobody leaves there is nothing.
    nobody = confused.count(found.labels[:0], chosen.classes[:0])
    assert not confused.shares(view, nobody, 1).any()


def test_the_overall_matrix_is_of_the_headline_policy(tmp_path):
    view = made_report.view(tmp_path / "run")
    swept = made_report.swept(view, [0.7, None])
    answered = swept.seen.leave(swept.headline.thresholds).classes
    drawn = confusion.overall(swept)
    expected = sklearn.metrics.confusion_matrix(swept.seen.labels, answered)
    for row in drawn.rows:
        true, guess = (
            view.class_names.index(row[f"{kind}_class"])
            for kind in ("true", "predicted")
        )
        assert row["images"] == expected[true, guess]
    assert sum(row["images"] for row in drawn.rows) == expected.sum()
    right = 100 * np.trace(expected) / expected.sum()
    assert f"{right:.1f}\u00a0% of 120 images are correct." in drawn.shows


def test_the_worst_mistakes_come_first(tmp_path):
    view = made_report.view(tmp_path / "run")
    pairs = confused.count(view.seen.labels, view.judged.classes)
    matrix = sklearn.metrics.confusion_matrix(
        view.seen.labels, view.judged.classes
    )
    np.fill_diagonal(matrix, 0)
    rows = confused.worst(view, pairs, 4)
    expected = np.sort(matrix, axis=None)[::-1][:4]
    assert [row["images"] for row in rows] == expected.tolist()
    assert rows[0]["share"] == expected[0] / 20
    assert all(row["true_class"] != row["predicted_class"] for row in rows)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("classes", "named", "wide", "squares"),
    [(10, True, False, ""), (43, True, True, ""), (120, False, False, "3")],
)
def test_names_are_legible_with_any_number_of_classes(
    tmp_path, monkeypatch, classes, named, wide, squares
):
    counts = range(300, 300 - classes, -1)
    view = made_report.view(tmp_path / "run", counts=counts, images=4)
    shown = []
    written = confusion.style.written

    def read(figure, **options):
        (axes,) = figure.axes
        shown.append([text.get_text() for text in axes.get_yticklabels()])
        return written(figure, **options)

    monkeypatch.setattr(confusion.style, "written", read)
    drawn = confusion.overall(view)
    names = [view.class_names[c] for c in view.order]
    assert (shown[0] == names) is named
    # In its own width, a name is 8.5 points high; the page scrolls it.
    assert (drawn.least > 40) is wide
    expected = f"Each square holds {squares} classes" if squares else "correct."
    assert expected in drawn.shows


def test_many_classes_share_squares(tmp_path):
    counts = range(300, 180, -1)
    view = made_report.view(tmp_path / "run", counts=counts, images=4)
    drawn = confusion.confusions(view)
    assert len(drawn) == 3
    # 120 classes in at most 50 rows: three in a square.
    assert "Each square holds 3 classes" in drawn[0].shows
    rows = [row for chart in drawn for row in chart.rows]
    assert sum(row["images"] for row in rows) == 480
