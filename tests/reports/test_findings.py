"""Findings in words, on answers whose story is known."""

import dataclasses
import types

import made_report
import numpy as np
import pytest

from elf_keras.evaluation import answers
from elf_keras.reports import comparison, findings, problems

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
    return one(findings.of_run(view), start)


def warned(view, start):
    return one(problems.of(view), start)


def one(texts, start):
    found = [text for text in texts if text.startswith(start)]
    assert len(found) == 1, texts
    return found[0]


def test_the_classes_that_lose_most(view):
    classes = right(view)
    for c, lost in ((5, 7), (2, 3)):
        classes[np.flatnonzero(classes[:, 1] == c)[:lost], 0] = 0
    assert told(with_answers(view, classes), "Classes that lose most") == (
        "Classes that lose most by early leaving: class 5 (20 → 13 of 20 "
        "images correct; 6 training images), class 2 (20 → 17 of 20 images "
        "correct; 60 training images)."
    )


def test_policies_that_cost_more_than_the_backbone_are_said(view):
    accurate = {
        "rule": {"kind": "per_exit", "unit": None},
        "thresholds": [0.9, 0.9],
        "test": {"saving": -0.19, "accuracy": 0.65},
        "validation": {"macs": 119.0, "accuracy": 0.65},
    }
    static = {"test": {"accuracy": 0.66}}
    policy = {
        "model": {"static": static},
        "default_policy": "accurate",
        "policies": {"accurate": accurate},
    }
    assert warned(of_folder(view, policy=policy), "More expensive than") == (
        "More expensive than the bare backbone on test: accurate at 119.0 % of "
        "its MACs (65.0 % right); use static, the backbone alone (66.0 % "
        "right)."
    )
    accurate["test"]["saving"] = 0.1
    found = problems.of(of_folder(view, policy=policy))
    assert not any("use static" in text for text in found)


def test_without_a_test_split_they_are_said_of_validation():
    accurate = {
        "rule": {"kind": "shared", "unit": None},
        "thresholds": [0.9, 0.9],
        "validation": {"saving": -0.19, "macs": 119.0, "accuracy": 0.65},
    }
    policy = {
        "model": {"static": {"validation": {"accuracy": 0.66}}},
        "default_policy": "accurate",
        "policies": {"accurate": accurate},
    }
    # As where the images have moved, and the model is not run.
    folder = types.SimpleNamespace(policy=policy, policies=policy["policies"])
    (said,) = problems._expensive(
        types.SimpleNamespace(scored=None, folder=folder)
    )
    assert "on validation: accurate at 119.0 %" in said


def test_warnings_of_the_training_come_first(view):
    assert not any("warned" in text for text in problems.of(view))
    record = {**view.folder.record, "warnings": ["nobody took exit 2"]}
    first, *others = problems.of(of_folder(view, record=record))
    assert first == "Training warned: nobody took exit 2."
    assert others == problems.of(view)


def test_exits_that_nobody_takes_do_not_pay(view):
    found = with_answers(view, right(view))
    told(found, "No class loses accuracy")
    # All leave at exit 1: exit 2 is never reached and costs nothing.
    assert findings.summary(found) == [
        "With the whole backbone and no exits, test accuracy is 100.0\xa0%. "
        "With early leaving (the run's own threshold, s = 0.6) it is "
        "100.0\xa0%, and 50.0\xa0% of the multiply-adds are saved, heads "
        "counted."
    ]
    # Exit 2's head costs 10 of 100 for everybody, and nobody leaves there.
    late = with_answers(view, right(view), sure=np.float32([0.7, 0.5, 0.5]))
    assert warned(late, "Exit 2 does not pay").startswith(
        "Exit 2 does not pay: 0.0\xa0% of the images leave there"
    )
    never = with_answers(view, right(view), sure=np.float32([0.1, 0.1, 0.1]))
    assert "cost 10.0\xa0% of the backbone less" in warned(
        never, "Exit 1 does not pay"
    )


@pytest.mark.parametrize(
    ("losses", "says"),
    [
        ([0.1, 0.4, 1.6], "The increasing-loss property holds"),
        ([0.1, 0.4, 0.3], "images that leave at exit 3 is not above"),
        ([None, None, 0.3], "is unknown: training images leave at one exit"),
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
        "100.0\xa0% on test, no difference, where chance explains ± 4.0 points."
    )
    worse = right(view)
    worse[::2] = (worse[::2] + 1) % 6
    found = warned(with_answers(good, worse), "Validation and test")
    assert "by more than the choice of images explains" in found
    assert "validation is the easier one" in found
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
    assert "with one seed each" in text
    seed = {**strong.folder.flags, "seed": "1"}
    sibling = of_folder(strong, name="run_seed1", flags=seed)
    (text,) = comparison.compared([strong, sibling])
    assert "over 2 seeds" in text
    _, text = comparison.compared([strong, sibling, weak])
    assert "weak has one seed, another may change the order" in text


def test_names_from_right_to_left_do_not_turn_numbers_round(view):
    answers = right(view)
    answers[view.seen.labels == 0] = 5
    for first, shown in (("abc", "abc"), ("חתול", "\u2068חתול\u2069")):
        names = (first, *view.class_names[1:])
        lost = with_answers(view, answers)
        lost = dataclasses.replace(lost, class_names=names)
        assert f"1 of 6 classes ({shown})." in findings._classes(lost)[0]


def test_shares_of_training_are_said_where_they_weigh(view):
    assert not findings._prior(view)
    # Where nothing is scored here, scores are those of the training.
    weighed = of_folder(view, flags={"deployment_prior": "train"})
    assert not findings._prior(weighed)
    recorded = dataclasses.replace(weighed, scored=None)
    assert "weighted by the classes' shares" in findings._prior(recorded)[0]
    scorer = dataclasses.replace(view.scored.scorer, prior=np.full(6, 1 / 6))
    scored = dataclasses.replace(view.scored, scorer=scorer)
    here = dataclasses.replace(view, scored=scored)
    assert "weighted by the classes' shares" in findings._prior(here)[0]


def test_a_policy_is_where_figures_are_drawn(view):
    swept = made_report.swept(view, [0.7, 0.7])
    assert swept.point.thresholds.to_json() == [0.7, 0.7]
    assert swept.point.said == "policy accurate, chosen on validation"
