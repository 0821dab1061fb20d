"""Probabilities that a report keeps, against plain formulas."""

import dataclasses

import numpy as np
import pytest
import scipy.special
import tiny

from elf_keras.data import long_tail
from elf_keras.evaluation import prediction
from elf_keras.evaluation.scorer import Scorer
from elf_keras.exits.answer_rule import AnswerRule
from elf_keras.exits.thresholds import ExitThresholds
from elf_keras.models import multiply_adds
from elf_keras.reports import run_view


@pytest.fixture(scope="module")
def model():
    return tiny.model(seed=2)


def scored(model, data, scale=1.0):
    scorer = Scorer(
        3,
        long_tail.shot_groups(data.class_counts),
        multiply_adds.exit_costs(model),
        thresholds=ExitThresholds.shared(0.5, 2),
        rule=AnswerRule(scale),
    )
    return run_view.score(model, data, scorer)


@pytest.mark.parametrize("scale", [1.0, 7.0])
def test_probabilities(model, scale):
    data = tiny.data()
    found = scored(model, data, scale)
    scores = prediction.predict_logits(model, data.test)
    seen = found.splits["test"]
    rows = np.arange(len(data.test))
    expected = scipy.special.softmax(scale * scores, axis=-1)
    truth = expected[rows, :, data.test.labels]
    np.testing.assert_allclose(seen.of_truth, truth, rtol=1e-4)
    # Temperatures are told in units of 1/σ.
    scaled = scale * scores / found.temperatures[:, None]
    expected = scipy.special.softmax(scaled, axis=-1).max(-1)
    np.testing.assert_allclose(seen.calibrated, expected, rtol=1e-4)
    assert found.shown == "test"


def test_a_split_alone(model):
    # Without a test split validation is calibrated.
    data = dataclasses.replace(tiny.data(), test=None)
    found = scored(model, data)
    assert found.shown == "validation"
    assert found.splits["validation"].calibrated is not None
    # Without validation there is no temperature.
    found = scored(model, tiny.data(validation=False))
    assert found.temperatures is None
    assert found.splits["test"].calibrated is None
