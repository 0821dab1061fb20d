"""Every split of a model scored, and the rows of classes, against loops."""

import dataclasses
import math
from statistics import fmean

import by_hand
import numpy as np
import photo_folders
import pytest
import tiny
from made_scores import (
    CLASSES,
    COUNTS,
    EXITS,
    HITS,
    LABELS,
    SCORES,
    TAKEN,
    THRESHOLD,
    class_means,
)

from elf_keras import losses
from elf_keras.data import splits
from elf_keras.evaluation import calibration, prediction, score_model
from elf_keras.evaluation.answers import of_parts
from elf_keras.exits.thresholds import ExitThresholds
from elf_keras.losses.objective import CumulativeLoss
from elf_keras.models import multiply_adds

AT = ExitThresholds.shared(THRESHOLD, EXITS)


@pytest.mark.parametrize("validation", [False, True])
def test_score_model_scores_every_split_there_is(validation):
    data, model = tiny.data(validation=validation), tiny.compiled()
    made = tiny.scorer(costs=multiply_adds.exit_costs(model))
    records, found = score_model.score_model(model, data, made, model.objective)
    scored = {"validation", "test"} if validation else {"test"}
    assert set(found) == scored
    assert set(records) == scored | {"train"}
    assert set(records["train"]) == {"loss_by_exit"}
    if validation:
        # By hand: the T that this split's logits want, of each exit.
        logits = prediction.predict_logits(model, data.validation)
        weights = made.weights(data.validation.labels)
        fit = calibration.TemperatureFit(data.validation.labels, weights)
        _ = [*fit.watch([logits])]
        expected = fit.temperatures()
        found_there = records["validation"]["temperatures"]
        np.testing.assert_allclose(found_there, expected, rtol=1e-6)
        alone = records["validation"]["static_temperature"]
        assert alone == pytest.approx(expected[-1], rel=1e-6)
    scores = prediction.predict_logits(model, data.test)
    np.testing.assert_array_equal(found["test"].classes, scores.argmax(-1))
    expected = made.score(of_parts([scores], data.test.labels))
    assert records["test"]["dynamic"]["top1"] == expected["dynamic"]["top1"]


def rows_of(keep):
    """Rows of the classes, with the images to keep as test images."""
    labels, found = LABELS[keep], of_parts([SCORES[keep]], LABELS[keep])
    images = np.zeros((len(labels), 1, 1, 1), "uint8")
    part = splits.Examples(images, labels, ("",) * len(labels))
    data = splits.Splits(part, None, part, ("a", "b", "c", "d"), COUNTS)
    return score_model.per_class_rows(data, found, AT)


def test_per_class_rows():
    rows = rows_of(LABELS >= 0)
    static = class_means(SCORES[:, -1].argmax(-1) == LABELS)
    dynamic = class_means(HITS)
    exits = class_means([number + 1 for number in TAKEN])
    for label, row in enumerate(rows):
        assert row == {
            "class": "abcd"[label],
            "training_images": COUNTS[label],
            "test_images": (40, 25, 9, 6)[label],
            "static_accuracy": pytest.approx(static[label], abs=5e-5),
            "dynamic_accuracy": pytest.approx(dynamic[label], abs=5e-5),
            "mean_exit": pytest.approx(exits[label], abs=5e-4),
        }


def test_per_class_rows_of_classes_without_test_images():
    rows = rows_of((LABELS == 0) | (LABELS == 2))
    assert [row["test_images"] for row in rows] == [40, 0, 9, 0]
    for row in (rows[1], rows[3]):
        for key in ("static_accuracy", "dynamic_accuracy", "mean_exit"):
            assert math.isnan(row[key])
    assert not math.isnan(rows[2]["mean_exit"])


def objective(threshold, weights=None):
    made = CumulativeLoss(
        losses.exit_loss("ce", COUNTS), CLASSES, train_threshold=threshold
    )
    if weights is not None:
        made.class_weights.assign(weights)
    return made


@pytest.mark.parametrize("weights", [None, [0.1, 1.0, 2.0, 5.0]])
def test_loss_by_exit_is_the_cumulated_loss_unweighted(weights):
    found = score_model.loss_by_exit([SCORES], LABELS, objective(0.5, weights))
    sums = {number: [] for number in range(EXITS)}
    for image, label in zip(SCORES.tolist(), LABELS, strict=True):
        number = by_hand.exit_taken(image, label, 0.5)
        parts = [
            by_hand.cross_entropy(image[k], label) for k in range(number + 1)
        ]
        sums[number].append(sum(parts))
    expected = [fmean(sums[number]) for number in range(EXITS)]
    np.testing.assert_allclose(found["loss"], expected, rtol=1e-5)
    np.testing.assert_allclose(
        found["shares"], [len(sums[k]) / 80 for k in range(EXITS)]
    )
    assert found["increasing"] is (expected == sorted(expected))


def test_loss_by_exit_in_parts_is_that_of_the_whole(monkeypatch):
    once = score_model.loss_by_exit([SCORES], LABELS, objective(0.5))
    monkeypatch.setattr(score_model, "_ROWS", 7)
    parts = np.array_split(SCORES, 3)
    found = score_model.loss_by_exit(parts, LABELS, objective(0.5))
    np.testing.assert_allclose(found["loss"], once["loss"], rtol=1e-5)
    np.testing.assert_allclose(found["shares"], once["shares"], rtol=1e-12)


def test_of_files_some_training_images_are_enough(tmp_path, monkeypatch):
    """Four of ten, evenly spaced: each would have to be decoded."""
    train = photo_folders.flat(tmp_path, 10)
    train = dataclasses.replace(train, labels=train.labels % CLASSES)
    monkeypatch.setattr(score_model, "_FILES", 4)
    seen = []

    def watched(model, examples):
        seen.append(examples.names)
        return [SCORES[: len(examples)]]

    monkeypatch.setattr(prediction, "logit_parts", watched)
    empty = splits.Splits(train, None, None, tuple("abcdefghij"), np.ones(10))
    score_model.score_model(None, empty, tiny.scorer(), objective(0.5))
    assert seen == [tuple(train.names[k] for k in (0, 3, 6, 9))]


def test_increasing_looks_at_the_exits_that_are_taken():
    """Two images: one leaves at exit 1, one at 3; nobody at exit 2."""
    scores = np.zeros((2, EXITS, CLASSES), "float32")
    scores[0, 0, 0] = 9.0
    scores[1, 0, 2] = 0.5
    found = score_model.loss_by_exit([scores], np.array([0, 1]), objective(0.9))
    assert np.isnan(found["loss"][1])
    assert found["shares"].tolist() == [0.5, 0.0, 0.5]
    assert found["increasing"] is True


def test_losses_that_fall_are_said_to():
    scores = np.zeros((2, EXITS, CLASSES), "float32")
    # Leaves at exit 1 with a loss of 0.43, at exit 2 with 0.1 altogether.
    scores[0, :, 0] = math.log(3 * 0.65 / 0.35)
    scores[1, 0, 1] = scores[1, 0, 0] = 8.0
    scores[1, 1, 1] = 30.0
    labels = np.array([0, 1])
    fair = score_model.loss_by_exit([scores], labels, objective(0.6))
    assert fair["increasing"] is True
    scores[1, 0, 0] = 8.001
    scores[0, :, 0] = 0.0
    falling = score_model.loss_by_exit([scores], labels, objective(0.2))
    assert falling["loss"][0] == pytest.approx(math.log(4))
    assert falling["loss"][1] == pytest.approx(math.log(2), abs=0.01)
    assert falling["increasing"] is False
