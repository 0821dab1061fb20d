"""Scores of each class and top-5, against scikit-learn."""

import made_report
import numpy as np
import pytest
import sklearn.metrics

from elf_keras.evaluation import answers
from elf_keras.reports import class_scores

# As scikit-learn names them.
SCORES = {"precision": "precision", "recall": "recall", "f1": "f1-score"}


@pytest.fixture
def view(tmp_path):
    return made_report.view(tmp_path / "run")


def report(view, classes):
    """What scikit-learn reports of answers, by class name."""
    return sklearn.metrics.classification_report(
        view.seen.labels,
        classes,
        target_names=view.class_names,
        output_dict=True,
        zero_division=0,
    )


def test_each_class_as_scikit_learn_reports_it(view):
    swept = made_report.swept(view, [0.7, None])
    expected = report(
        swept, swept.seen.leave(swept.headline.thresholds).classes
    )
    rows = class_scores.per_class(swept)
    assert [row["class"] for row in rows] == list(view.class_names)
    for row in rows:
        theirs = expected[row["class"]]
        for key, name in SCORES.items():
            assert row[key] == pytest.approx(theirs[name])
        assert row["images"] == theirs["support"]
    static = report(view, view.seen.static_classes)
    assert [row["static_recall"] for row in rows] == [
        pytest.approx(static[row["class"]]["recall"]) for row in rows
    ]


def test_means_over_classes_as_scikit_learn_has_them(view):
    expected = report(view, view.judged.classes)["macro avg"]
    whole, *groups = class_scores.means(view)
    assert (whole["group"], whole["classes"]) == ("all", 6)
    for key, name in SCORES.items():
        assert whole[key] == pytest.approx(expected[name])
    assert whole["recall"] == pytest.approx(view.dynamic["accuracy"])
    assert [row["group"] for row in groups] == ["many", "medium", "few"]
    of_groups = sum(row["classes"] * row["precision"] for row in groups)
    assert of_groups / 6 == pytest.approx(whole["precision"])


def test_a_class_never_answered_has_no_precision(view):
    view.judged.classes[view.judged.classes == 2] = 1
    row = class_scores.per_class(view)[2]
    assert (row["answers"], row["precision"]) == (0, None)
    assert (row["recall"], row["f1"]) == (0, 0)


def test_top_5_as_scikit_learn_has_it(view):
    labels = view.seen.labels
    random = np.random.default_rng(3)
    logits = random.standard_normal((len(labels), 3, 6)).astype("float32")
    # Whole numbers: many classes are equally likely.
    logits[::2] = logits[::2].round()
    found = answers.of_parts([logits], labels)
    np.testing.assert_array_equal(found.rank == 0, found.correct)
    for number in range(3):
        expected = sklearn.metrics.top_k_accuracy_score(
            labels[1::2], logits[1::2, number], k=5
        )
        assert (found.rank[1::2, number] < 5).mean() == pytest.approx(expected)
    # Ranks are those of a stable sort, best first.
    order = np.argsort(-logits, axis=-1, kind="stable")
    places = (order == labels[:, None, None]).argmax(-1)
    np.testing.assert_array_equal(found.rank, places)


def test_top_5_of_a_run(view):
    rows = {row["of"]: row for row in class_scores.top(view)}
    assert len(rows) == 2 + view.exits
    early = rows["leaving early, the run's own threshold"]
    taken = view.judged.exit_taken
    rank = view.seen.rank[np.arange(len(taken)), taken]
    assert early["top5"] == (rank < 5).mean()
    # As many images of each class.
    assert early["mean_top5"] == pytest.approx(early["top5"])
    assert early["top1"] == pytest.approx(view.dynamic["top1"])
    last = rows["all images at exit 3 (last)"]
    assert last == rows["whole backbone (static)"] | {"of": last["of"]}


def test_five_classes_have_no_top_5(tmp_path):
    view = made_report.view(tmp_path / "run", counts=(300, 100, 50, 20, 5))
    assert {row["top5"] for row in class_scores.top(view)} == {None}


def test_of_many_classes_the_weakest_are_listed(tmp_path):
    counts = range(300, 230, -1)
    view = made_report.view(tmp_path / "run", counts=counts, images=6)
    found = class_scores.listed(view)
    assert (found["classes"], found["all"], len(found["rows"])) == (
        *(70, False),
        30,
    )
    every = sorted(row["f1"] for row in class_scores.per_class(view))
    assert [row["f1"] for row in found["rows"]] == every[:30]
    alone = made_report.view(tmp_path / "few", counts=counts[:60], images=6)
    assert len(class_scores.listed(alone)["rows"]) == 60
