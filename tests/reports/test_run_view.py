"""Probabilities that a report keeps, against plain formulas."""

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
    np.testing.assert_allclose(
        seen.of_truth, expected[rows, :, data.test.labels], rtol=1e-4
    )
    # Temperatures are told in units of 1/σ.
    scaled = scale * scores / found.temperatures[:, None]
    np.testing.assert_allclose(
        seen.calibrated,
        scipy.special.softmax(scaled, axis=-1).max(-1),
        rtol=1e-4,
    )
    assert found.shown == "test"


def test_without_a_test_split_validation_is_calibrated(model):
    import dataclasses

    data = dataclasses.replace(tiny.data(), test=None)
    found = scored(model, data)
    assert found.shown == "validation"
    assert found.splits["validation"].calibrated is not None


def test_without_validation_there_is_no_temperature(model):
    found = scored(model, tiny.data(validation=False))
    assert found.temperatures is None
    assert found.splits["test"].calibrated is None
