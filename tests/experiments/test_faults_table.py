"""The table of faults says what `make faults` measured."""

import pytest

from benchmarks import faults_table


def test_sums_by_hand():
    made = {
        "SIGTERM": {
            "injected": 5,
            "survived": 4,
            "examples_lost_or_repeated": 1,
            "longest_seconds_to_end": 1.5,
            "steps_computed_again": 2,
        },
        "fuzzed lists": {"tried": 200, "answered": 199, "refused": 150},
        "fuzzed images": {"tried": 100, "answered": 100, "refused": 50},
    }
    _, _, first, second = faults_table.table(made).splitlines()
    assert "| 5 | 4 | 1 | status 75 within 1.5 s; 2 steps" in first
    assert "| 300 | 299 |  | 200 refused in one line" in second


def test_a_figure_without_a_row_is_told():
    with pytest.raises(ValueError, match="no row counts quakes"):
        faults_table.table({"quakes": {"injected": 1, "survived": 1}})
