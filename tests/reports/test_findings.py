"""Findings in words, on answers whose story is known."""

import dataclasses

import made_report
import numpy as np
import pytest

from elf_keras.evaluation import answers
from elf_keras.reports import comparison, findings

# Exit 1 is sure of all, exits 2 and 3 are only reached at high s.
SURE = np.float32([0.9, 0.5, 0.5])


@pytest.fixture
def view(tmp_path):
    return made_report.view(tmp_path / "run")


def with_answers(view, classes, *, split="test", sure=SURE, labels=None):
    """The view with other answers on a split."""
    if labels is None:
        labels = view.scored.splits[split].labels
    confidence = np.tile(sure, (len(labels), 1))
    found = answers.Answers(labels, classes, confidence, confidence, labels)
    parts = {**view.scored.splits, split: found}
    scored = dataclasses.replace(view.scored, splits=parts)
    return dataclasses.replace(view, scored=scored)


def of_folder(view, **changes):
    """The view of a folder that holds something else."""
    folder = dataclasses.replace(view.folder, **changes)
    return dataclasses.replace(view, folder=folder)


def right(view):
    return np.tile(view.seen.labels[:, None], (1, 3))


def told(view, start):
    found = [text for text in findings.of_run(view) if text.startswith(start)]
    assert len(found) == 1, findings.of_run(view)
    return found[0]


def test_the_classes_that_lose_most(view):
    classes = right(view)
    for c, lost in ((5, 7), (2, 3)):
        classes[np.flatnonzero(classes[:, 1] == c)[:lost], 0] = 0
    assert told(with_answers(view, classes), "Leaving early costs most") == (
        "Leaving early costs most: class 5 (20 → 13 of 20 images right; 6 "
        "training images), class 2 (20 → 17 of 20 images right; 60 training "
        "images)."
    )


def test_policies_that_cost_more_than_the_backbone_are_said(view):
    accurate = {
        "rule": {"kind": "per_exit", "unit": None},
        "thresholds": [0.9, 0.9],
        "test": {"saving": -0.19, "accuracy": 0.65},
    }
    static = {"test": {"accuracy": 0.66}}
    policy = {
        "model": {"static": static},
        "policies": {"accurate": accurate},
    }
    assert told(of_folder(view, policy=policy), "more expensive than") == (
        "more expensive than the bare backbone on test: accurate at 119.0 % of "
        "its MACs (65.0 % right); use static, the backbone alone (66.0 % "
        "right)."
    )
    accurate["test"]["saving"] = 0.1
    found = findings.of_run(of_folder(view, policy=policy))
    assert not any("use static" in text for text in found)


def test_warnings_of_the_training_come_first(view):
    assert not any("warned" in text for text in findings.of_run(view))
    record = {**view.folder.record, "warnings": ["nobody took exit 2"]}
    first, *others = findings.of_run(of_folder(view, record=record))
    assert first == "Training warned: nobody took exit 2."
    assert others == findings.of_run(view)


def test_exits_that_nobody_takes_do_not_pay(view):
    found = with_answers(view, right(view))
    told(found, "No class loses accuracy")
    # All leave at exit 1: exit 2 is never reached and costs nothing.
    assert findings.summary(found) == [
        "Leaving early (s = 0.6, the run's own threshold) saves 50.0\xa0% of "
        "the multiply-adds, heads counted; accuracy on test goes from "
        "100.0\xa0% to 100.0\xa0%."
    ]
    # Exit 2's head costs 10 of 100 for everybody, and nobody leaves there.
    late = with_answers(view, right(view), sure=np.float32([0.7, 0.5, 0.5]))
    assert told(late, "Exit 2 does not pay").startswith(
        "Exit 2 does not pay: 0.0\xa0% of the images leave there"
    )
    never = with_answers(view, right(view), sure=np.float32([0.1, 0.1, 0.1]))
    assert "cost 10.0\xa0% of the backbone less" in told(
        never, "Exit 1 does not pay"
    )


@pytest.mark.parametrize(
    ("losses", "says"),
    [
        ([0.1, 0.4, 1.6], "The increasing-loss property holds"),
        ([0.1, 0.4, 0.3], "images that leave at exit 3 is not above"),
        ([None, None, 0.3], "cannot be told"),
    ],
)
def test_the_increasing_loss_property(view, losses, says):
    known = [loss for loss in losses if loss is not None]
    part = {"loss": losses, "increasing": known == sorted(known)}
    metrics = {**view.folder.metrics, "train": {"last": {"loss_by_exit": part}}}
    found = findings.of_run(of_folder(view, metrics=metrics))
    assert any(says in text for text in found)


def test_validation_and_test(view):
    labels = np.repeat(np.arange(6), 50)
    known = np.tile(labels[:, None], (1, 3))
    good = with_answers(view, known, split="validation", labels=labels)
    agree = with_answers(good, right(view))
    assert told(agree, "Validation and test agree within").endswith(
        "100.0\xa0% on test for the whole backbone, the same where chance "
        "explains ± 4.0 points."
    )
    worse = right(view)
    worse[::2] = (worse[::2] + 1) % 6
    found = told(with_answers(good, worse), "Validation and test")
    assert "disagree beyond their sampling, validation is kinder" in found
    assert "100.0\xa0% on validation" in found


def test_runs_side_by_side(view):
    bad = right(view)
    bad[::2] = (bad[::2] + 1) % 6
    other = {"name": "weak", "flags": {"method": "sum"}}
    weak = of_folder(with_answers(view, bad), **other)
    strong = with_answers(view, right(view))
    (text,) = comparison.compared([weak, strong])
    assert text.startswith("With the whole backbone, run is the most accurate")
    assert "by more than the choice of images explains" in text
    (text,) = comparison.compared([strong, of_folder(strong, **other)])
    assert "by no more than" in text
    (text,) = comparison.compared([strong, of_folder(strong, name="run_seed1")])
    assert "over 2 seeds" in text


def test_a_policy_is_where_figures_are_drawn(view):
    swept = made_report.swept(view, [0.7, 0.7])
    assert swept.point.thresholds.to_json() == [0.7, 0.7]
    assert swept.point.said == "policy accurate, chosen on validation"
