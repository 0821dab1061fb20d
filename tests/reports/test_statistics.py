"""Bands, errors and the worth of exits: by hand, and the binomial's."""

import made_report
import numpy as np
import pytest
import scipy.stats

from elf_keras.evaluation import answers
from elf_keras.evaluation.scorer import Scorer
from elf_keras.exits.thresholds import ExitThresholds
from elf_keras.models import multiply_adds
from elf_keras.reports import statistics

# Backbone to the taps 10, 50, 100; heads of 6 and 4 on the way.
COSTS = multiply_adds.ExitCosts(
    np.array([16, 60, 110]), np.array([10, 50, 100]), 100
)
SCORER = Scorer(
    2, {"many": np.ones(2, bool)}, COSTS, ExitThresholds.shared(0.5, 3)
)
CONFIDENCE = np.array(
    [[0.9, 0.9, 0.9], [0.2, 0.9, 0.9], [0.2, 0.2, 0.9], [0.2, 0.2, 0.9]],
    "float32",
)
FOUND = answers.Answers(
    labels=np.array([0, 0, 1, 1]),
    # The image that leaves first is wrong there, and right later.
    classes=np.array([[1, 0, 0], [0, 0, 0], [0, 0, 1], [0, 0, 0]]),
    certainty=CONFIDENCE,
    probability=CONFIDENCE,
    mean_classes=np.array([0, 0, 1, 0]),
)


def one_class_band(right, images, limits):
    """The band of answers of two exits, `right` of `images` right at both."""
    labels = np.zeros(images, int)
    classes = np.zeros((images, 2), int)
    classes[right:] = 1
    confidence = np.linspace(0.2, 0.8, images, dtype="float32")
    confidence = np.stack([confidence, confidence], axis=1)
    found = answers.Answers(labels, classes, confidence, confidence, labels)
    own = (1, {"few": np.ones(1, bool)}, made_report.costs(2))
    scorer = Scorer(*own, ExitThresholds.shared(0.5, 2))
    return statistics.curve_band(found, scorer, np.array(limits))


def test_the_band_of_one_class_is_the_binomials():
    low, high = one_class_band(80, 200, [0.5])
    ends = scipy.stats.binom.ppf([0.025, 0.975], 200, 0.4) / 200
    np.testing.assert_allclose([low[0], high[0]], ends, atol=0.025)
    # Sure answers have no band.
    band = one_class_band(50, 50, [0.3, 0.9])
    np.testing.assert_allclose(band, 1.0, atol=1e-6)


def test_the_curve_lies_within_its_band():
    found = made_report.scored(np.array([300, 50, 9]), images=30, exits=3)
    seen, scorer = found.splits["test"], found.scorer
    limits = np.array([0.3, 0.5, 0.7])
    low, high = statistics.curve_band(seen, scorer, limits)
    at = [
        scorer.dynamic(seen, ExitThresholds.shared(s, 3))["accuracy"]
        for s in limits
    ]
    assert (low <= at).all() and (at <= high).all()
    assert (low < high).all()


def worth(limits):
    return statistics.worth_of_exits(FOUND, SCORER, ExitThresholds.of(limits))


def test_worth_by_hand():
    first, second = worth([0.5, 0.5])
    # With both: 16, 60, 110, 110. Without exit 1: 54, 54, 104, 104, since
    # its head of 6 is not computed; without exit 2: 16, 106, 106, 106.
    assert first["macs"] == pytest.approx((16 + 60 + 110 + 110) / 4)
    assert first["macs_without"] == pytest.approx((54 + 54 + 104 + 104) / 4)
    assert second["macs_without"] == pytest.approx((16 + 3 * 106) / 4)
    assert first["saved"] == pytest.approx((79 - 74) / 100)
    assert second["saved"] == pytest.approx((83.5 - 74) / 100)
    assert (first["head_macs"], second["head_macs"]) == (6, 4)
    assert first["share"] == second["share"] == pytest.approx(0.25)
    assert first["accuracy"] == 0
    # Right are images 2 and 3; without exit 1 image 1 is, too.
    assert first["accuracy_gain"] == pytest.approx(-0.25)
    assert second["accuracy_gain"] == pytest.approx(0)


def test_an_exit_nobody_takes_costs_its_head():
    first, second = worth([np.inf, 0.5])
    assert first["saved"] == pytest.approx(-0.06)
    assert (first["pays"], second["pays"]) == (False, True)
    assert first["accuracy"] is None
    assert second["saved"] > 0
