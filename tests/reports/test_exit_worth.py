"""What an exit pays, worked by hand for four images of two classes."""

import numpy as np
import pytest

from elf_keras.evaluation import answers
from elf_keras.evaluation.scorer import Scorer
from elf_keras.models import multiply_adds
from elf_keras.reports import statistics

# Backbone to the taps 10, 50, 100; heads of 6 and 4 on the way.
COSTS = multiply_adds.ExitCosts(
    np.array([16, 60, 110]), np.array([10, 50, 100]), 100
)
SCORER = Scorer(2, {"many": np.ones(2, bool)}, COSTS, exit_threshold=0.5)
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


def test_by_hand():
    first, second = statistics.worth_of_exits(FOUND, SCORER, np.array([0.5, 0.5]))
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
    first, second = statistics.worth_of_exits(FOUND, SCORER, np.array([np.inf, 0.5]))
    assert first["saved"] == pytest.approx(-0.06)
    assert (first["pays"], second["pays"]) == (False, True)
    assert first["accuracy"] is None
    assert second["saved"] > 0
