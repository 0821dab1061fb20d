"""What is read off the curves of kept models."""

from types import SimpleNamespace

import numpy as np
import pytest

from elf_keras import runs
from experiments import kept_models

RULE = "confidence"


@pytest.mark.parametrize(
    ("budget", "expected"), [(0.75, 0.7), (0.7, 0.7), (0.5, 0.8), (1.0, 0.9)]
)
def test_a_budget_is_spent_and_the_luckiest_point_not_sought(budget, expected):
    curve = SimpleNamespace(
        cost=np.array([20, 80, 140, 200]),
        accuracy=np.array([0.5, 0.8, 0.7, 0.9]),
    )
    assert kept_models.within(curve, budget, 200.0) == expected


def test_kept_models_answer_as_their_runs_recorded():
    """Without correction and leaving, a row is the run's own last exit."""
    rows = runs.read_json(kept_models.RECORD)["rows"]
    plain = [row for row in rows if (row["tau"], row["rule"]) == (0, RULE)]
    assert plain
    for row in plain:
        path = kept_models.FOLDER / "results" / f"{row['model']}.json"
        last = runs.read_json(path)["metrics"]["test"]["last"]
        static = last["static"]["accuracy"]
        assert row["all_exits"] == pytest.approx(static, abs=2e-4)
