import json
import math

import numpy as np
import pytest
import sklearn.metrics

from elf_keras.errors import InputError
from elf_keras.evaluation import metrics
from elf_keras.exits import exit_rule

LABELS = np.array([0, 0, 0, 0, 1, 1, 3])
PREDICTIONS = np.array([0, 0, 0, 1, 1, 0, 3])


def test_per_class_accuracy_by_hand():
    found = metrics.per_class_accuracy(PREDICTIONS, LABELS, classes=4)
    np.testing.assert_allclose(found, [0.75, 0.5, np.nan, 1.0])


def test_per_class_accuracy_is_recall():
    random = np.random.RandomState(0)
    labels = np.concatenate([np.arange(5), random.randint(0, 5, 100)])
    predictions = random.randint(0, 5, 105)
    found = metrics.per_class_accuracy(predictions, labels, classes=5)
    recall = sklearn.metrics.recall_score(labels, predictions, average=None)
    np.testing.assert_allclose(found, recall)
    mean = metrics.example_weights(labels, 5) @ (predictions == labels)
    assert mean == pytest.approx(recall.mean())


@pytest.mark.parametrize("bad", [-1, 4])
def test_unknown_labels_are_refused(bad):
    labels = np.array([0, bad])
    with pytest.raises(InputError, match=f"Label {bad} is not"):
        metrics.per_class_accuracy(labels, labels, classes=4)


def test_group_accuracy_leaves_out_what_has_no_image():
    groups = {
        "many": np.array([True, True, False, False]),
        "medium": np.array([False, False, True, True]),
        "few": np.array([False, False, True, False]),
        "none": np.zeros(4, bool),
    }
    found = metrics.group_accuracy(np.array([0.75, 0.5, np.nan, 1.0]), groups)
    assert found == {"many": 0.625, "medium": 1.0, "few": None, "none": None}
    assert json.loads(json.dumps(found, allow_nan=False)) == found


@pytest.mark.parametrize(
    ("prior", "expected"),
    [
        (None, (0.75 + 0.5 + 1.0) / 3),
        # Class 2 has no image: 0.6, 0.1 and 0.1 remain of the prior.
        (np.array([0.6, 0.1, 0.2, 0.1]), (6 * 0.75 + 0.5 + 1.0) / 8),
        # That of the images themselves gives equal weights.
        (np.array([4, 2, 0, 1]), 5 / 7),
    ],
)
def test_example_weights_make_a_mean_over_classes(prior, expected):
    weights = metrics.example_weights(LABELS, 4, prior=prior)
    assert weights.sum() == pytest.approx(1)
    assert weights @ (PREDICTIONS == LABELS) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("prior", "message"),
    [
        ([1, 1], "each of 4 classes"),
        ([1, -1, 1, 1], "each of 4 classes"),
        ([0, 0, 1, 0], "None of the 7 images"),
    ],
)
def test_bad_priors_are_refused(prior, message):
    with pytest.raises(InputError, match=message):
        metrics.example_weights(LABELS, 4, prior=np.array(prior))


def test_standard_error_by_hand():
    correct = np.array([1, 1, 0, 0, 1], bool)
    labels = np.array([0, 0, 0, 0, 1])
    mean, error = metrics.class_means(correct, labels, np.array([0, 1]))
    assert mean == pytest.approx(0.75)
    # (2 + 1) / (4 + 2) = 1/2 of 4 images; (1 + 1) / (1 + 2) = 2/3 of one.
    variance = (0.5 * 0.5 / 4 + (2 / 3) * (1 / 3) / 1) / 4
    assert error == pytest.approx(np.sqrt(variance))


def test_only_the_classes_asked_for_count():
    correct, labels = np.array([1, 0], bool), np.array([0, 1])
    assert metrics.class_means(correct, labels, np.array([1]))[0] == 0


def test_calibration_error_by_hand():
    # Two bins: (0.2 + 0.5) against 1 right of 2, (0.9 + 1.0) against 1.
    confidence = np.array([0.2, 0.5, 0.9, 1.0])
    correct = np.array([True, False, False, True])
    found = metrics.expected_calibration_error(confidence, correct, bins=2)
    assert found == pytest.approx((0.3 + 0.9) / 4)


def test_calibration_error_against_a_plain_loop():
    random = np.random.RandomState(1)
    confidence = random.choice(np.linspace(0, 1, 16), 300)
    correct = random.rand(300) < confidence**2
    weights = random.rand(300)
    gaps = [0.0] * 15
    for sure, right, weight in zip(confidence, correct, weights, strict=True):
        b = max(math.ceil(15 * sure - 1e-9) - 1, 0)
        gaps[b] += weight * (right - sure) / weights.sum()
    found = metrics.expected_calibration_error(
        confidence, correct, weights=weights
    )
    assert found == pytest.approx(sum(map(abs, gaps)))


def test_values_and_shares_by_exit():
    satisfied = np.array(
        [[1, 0, 0, 1], [0, 0, 1, 1], [1, 1, 1, 1], [0, 0, 0, 0]], bool
    )
    taken = exit_rule.exit_taken(satisfied)  # 0, 2, 0, 3
    values = np.array([1.0, 5.0, 3.0, 7.0])
    for weights, means, shares in (
        (None, [2.0, np.nan, 5.0, 7.0], [0.5, 0.0, 0.25, 0.25]),
        ([3.0, 2.0, 1.0, 4.0], [1.5, np.nan, 5.0, 7.0], [0.4, 0.0, 0.2, 0.4]),
    ):
        given = {"exits": 4, "weights": weights}
        found = metrics.mean_by_exit(values, taken, **given)
        np.testing.assert_allclose(found, means)
        np.testing.assert_allclose(metrics.shares(taken, **given), shares)
