import math

import by_hand
import numpy as np
import pytest
import tensorflow as tf

from elf_keras.losses.exit_losses import cross_entropy
from elf_keras.losses.objective import CumulativeLoss
from elf_keras.models.multi_exit_model import ExitRecord

EXITS, CLASSES = 3, 4
CLASS_WEIGHTS = [0.25, 0.5, 1.25, 2.0]


def objective(threshold):
    result = CumulativeLoss(cross_entropy, CLASSES, train_threshold=threshold)
    result.class_weights.assign(CLASS_WEIGHTS)
    return result


def batch(examples, seed):
    random = np.random.default_rng(seed)
    scores = random.normal(scale=2, size=(examples, EXITS, CLASSES))
    labels = random.integers(CLASSES, size=examples)
    sample_weights = random.choice([0.0, 0.5, 2.0], size=examples)
    return scores.astype("float32"), labels, sample_weights


def terms(scores, labels, sample_weights, threshold):
    outputs = {f"exit_{k + 1}": tf.constant(scores[:, k]) for k in range(EXITS)}
    return objective(threshold).terms(labels, outputs, sample_weights)


def logs_by_loop(batches, threshold):
    seen, weight_sum, loss_sum = 0, 0.0, 0.0
    right, left, left_losses = [0] * EXITS, [0] * EXITS, [0.0] * EXITS
    for scores, labels, sample_weights in batches:
        for example, label, sample_weight in zip(
            scores.tolist(), labels, sample_weights, strict=True
        ):
            taken = by_hand.exit_taken(example, label, threshold)
            passed = example[: taken + 1]
            loss = sum(by_hand.cross_entropy(each, label) for each in passed)
            weight = sample_weight * CLASS_WEIGHTS[label]
            weight_sum += weight
            loss_sum += weight * loss
            if sample_weight > 0:
                seen += 1
                left[taken] += 1
                left_losses[taken] += loss
                for k in range(EXITS):
                    right[k] += example[k].index(max(example[k])) == label
    logs = {"loss": loss_sum / weight_sum}
    for k in range(EXITS):
        logs[f"exit_{k + 1}_accuracy"] = right[k] / seen
        logs[f"exit_{k + 1}_share"] = left[k] / seen
        logs[f"exit_{k + 1}_loss"] = left_losses[k] / left[k] if left[k] else 0
    return logs


@pytest.mark.parametrize("threshold", [0.5, math.inf])
def test_several_batches_against_a_loop(threshold):
    batches = [batch(*each) for each in ((20, 0), (20, 1), (3, 2))]
    record = ExitRecord(EXITS)
    for each in batches:
        record.update_state(terms(*each, threshold))
    found = {name: float(value) for name, value in record.result().items()}
    assert found == pytest.approx(logs_by_loop(batches, threshold), rel=1e-5)


def test_reset_forgets():
    first, second = batch(9, 3), batch(9, 4)
    record = ExitRecord(EXITS)
    record.update_state(terms(*first, 0.5))
    record.reset_state()
    record.update_state(terms(*second, 0.5))
    found = {name: float(value) for name, value in record.result().items()}
    assert found == pytest.approx(logs_by_loop([second], 0.5), rel=1e-5)


def test_nothing_seen_is_zero():
    assert not any(map(float, ExitRecord(EXITS).result().values()))
