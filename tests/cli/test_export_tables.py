"""What an export prints says what columns mean, and what fails last."""

import pytest

from elf_keras.cli import export_tables

ROWS = [
    {
        "artefact": name,
        "score_error": error,
        "exits_moved": moved,
        "outside_band": moved,
        "passed": passed,
        "reason": reason,
    }
    for name, error, moved, passed, reason in (
        ("bad", 1.0, None, False, "scores differ by more than 0.0001"),
        ("good", 0.0, 0, True, None),
        ("small", 0.25, 3, None, None),
    )
]


def test_what_failed_comes_last_and_says_why():
    lines = export_tables.parity([0.25] * 4, ROWS).splitlines()
    assert "where 25%, 25%, 25%, 25% of" in lines[0]
    assert [row.split() for row in lines[3:6]] == [
        ["good", "0.0e+00", "0", "0", "ok"],
        ["small", "2.5e-01", "3", "3", "not", "judged"],
        ["bad", "1.0e+00", "–", "–", "FAILED"],
    ]
    assert lines[-1] == (
        "FAILED: bad does not answer as the model: scores differ by more than "
        "0.0001"
    )


@pytest.mark.parametrize("word", ["score error", "exits moved", "outside band"])
def test_every_column_is_explained_where_it_is_printed(word):
    text = export_tables.parity([0.25] * 4, ROWS)
    assert word in text.splitlines()[2]
    assert f"  {word}: " in text


def test_not_judged_is_explained_where_it_is_seen():
    told = "  not judged: quantized"
    assert told in export_tables.parity([0.25] * 4, ROWS)
    assert told not in export_tables.parity([0.25] * 4, ROWS[:2])
    assert "FAILED" not in export_tables.parity([0.25] * 4, ROWS[1:])


def test_exits_that_few_images_take():
    warning = export_tables.parity([0.9, 0.05, 0.049, 0.001], [])
    told = "warning: exit 3, 4 is compared on few images"
    assert warning.splitlines()[1].startswith(told)


def policy(saving, kept=True, **scores):
    scores = {"accuracy": 0.7, "milliseconds": 2.5, **scores}
    return {
        "thresholds": [0.9998],
        "saving": saving,
        "guard_kept": kept,
        **scores,
    }


def record():
    policies = {
        "all_exits": policy(-0.24) | {"thresholds": [None]},
        "accurate": policy(-0.19, accuracy=0.65),
        "macs_25": policy(0.8, kept=False),
    }
    found = {
        "static": {"accuracy": 0.66},
        "policies": policies,
        "left_out": ["ms_1: no times; left out"],
    }
    files = {"stages": [{"bytes": 5000}], "warnings": ["exit 1 does not pay"]}
    return {
        "reported_on": {"split": "test", "images": 9},
        "chosen_on": "validation",
        "saved_model": found,
        "variants": {"int8": found | files},
    }


def test_variants_say_what_costs_more_than_the_backbone():
    text = export_tables.variants(record())
    told = (
        "  note: more expensive than the bare backbone on test: all_exits at "
        "124.0 % of its MACs (70.0 % right), accurate at 119.0 % of its MACs "
        "(65.0 % right); use static, the backbone alone (66.0 % right)"
    )
    assert text.splitlines().count(told) == 1
    # int8 has no file of the bare backbone.
    assert text.count("an export without --chain_only has static") == 1
    assert text.count("note: ms_1: no times; left out") == 2
    assert "within the budget of macs_25 no threshold keeps" in text
    assert "warning: exit 1 does not pay" in text
    (row,) = [row for row in text.splitlines() if row.startswith("int8, 5 kB")]
    assert "static" in row
    assert "66.0%" in row
    # Not as 1.000, which nobody exceeds.
    assert "0.9998" in text
