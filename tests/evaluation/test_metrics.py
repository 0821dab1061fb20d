import json

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
    np.testing.assert_allclose(
        metrics.per_class_accuracy(predictions, labels, classes=5),
        sklearn.metrics.recall_score(labels, predictions, average=None),
    )


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


def test_example_weights_make_a_mean_over_classes():
    weights = metrics.example_weights(LABELS, 4)
    assert weights.sum() == pytest.approx(1)
    mean = (weights * (PREDICTIONS == LABELS)).sum()
    assert mean == pytest.approx((0.75 + 0.5 + 1.0) / 3)
    assert mean == pytest.approx(
        sklearn.metrics.balanced_accuracy_score(LABELS, PREDICTIONS)
    )


def test_example_weights_of_a_prior():
    # Class 2 has no image: 0.6, 0.1 and 0.1 remain of the prior.
    prior = np.array([0.6, 0.1, 0.2, 0.1])
    weights = metrics.example_weights(LABELS, 4, prior=prior)
    mean = (weights * (PREDICTIONS == LABELS)).sum()
    assert mean == pytest.approx((6 * 0.75 + 0.5 + 1.0) / 8)


def test_prior_of_the_images_themselves_gives_equal_weights():
    prior = np.array([4, 2, 0, 1])
    weights = metrics.example_weights(LABELS, 4, prior=prior)
    np.testing.assert_allclose(weights, 1 / 7)


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
    error = 0.0
    for b in range(15):
        low, high = b / 15, (b + 1) / 15
        inside = [
            i
            for i in range(300)
            if low + 1e-9 < confidence[i] <= high + 1e-9
            or (b == 0 and confidence[i] == 0)
        ]
        right = sum(weights[i] * correct[i] for i in inside)
        sure = sum(weights[i] * confidence[i] for i in inside)
        error += abs(right - sure) / weights.sum()
    assert metrics.expected_calibration_error(
        confidence, correct, weights=weights
    ) == pytest.approx(error)


def test_weights_count_like_repeated_images():
    confidence = np.array([0.3, 0.35, 0.8], dtype=np.float32)
    correct = np.array([True, False, True])
    times = np.array([3, 1, 2])
    assert metrics.expected_calibration_error(
        confidence, correct, weights=times
    ) == pytest.approx(
        metrics.expected_calibration_error(
            np.repeat(confidence, times), np.repeat(correct, times)
        )
    )


def test_values_and_shares_by_exit():
    satisfied = np.array(
        [[1, 0, 0, 1], [0, 0, 1, 1], [1, 1, 1, 1], [0, 0, 0, 0]], bool
    )
    taken = exit_rule.exit_taken(satisfied)  # 0, 2, 0, 3
    values = np.array([1.0, 5.0, 3.0, 7.0])
    np.testing.assert_allclose(
        metrics.mean_by_exit(values, taken, exits=4), [2.0, np.nan, 5.0, 7.0]
    )
    np.testing.assert_allclose(metrics.shares(taken, 4), [0.5, 0.0, 0.25, 0.25])


def test_weighted_values_and_shares_by_exit():
    taken = np.array([0, 0, 1])
    weights = np.array([3.0, 1.0, 4.0])
    np.testing.assert_allclose(
        metrics.mean_by_exit(
            np.array([0.0, 4.0, 9.0]), taken, exits=2, weights=weights
        ),
        [1.0, 9.0],
    )
    np.testing.assert_allclose(
        metrics.shares(taken, 2, weights=weights), [0.5, 0.5]
    )
