"""Tables of results: current, complete, and right in a made case."""

import sys

import pytest

from benchmarks import faults_table, speed_tables
from benchmarks.photos import table as photos_table
from elf_keras import runs
from elf_keras.exits import certainty
from experiments import (
    budgets,
    comparison,
    exit_rules,
    full_length,
    headline,
    kept_models,
    planned_runs,
    sibling_policies,
    tables,
)

TUTORIAL, FAULTS = full_length.TUTORIAL, faults_table.PAGE


def made_by(each):
    return lambda results: each.table(runs.read_json(each.RECORD))


def faults(results):
    return faults_table.table(runs.read_json(faults_table.RESULTS))


def photos(results):
    return photos_table.table(photos_table.load())


@pytest.mark.parametrize(
    ("page", "mark", "make", "module"),
    [
        (tables.PAGE, tables.MARK, tables.table, "experiments.tables"),
        (FAULTS, faults_table.MARK, faults, "benchmarks.faults_table"),
        (tables.PAGE, photos_table.MARK, photos, "benchmarks.photos.table"),
        *(
            (each.FINDINGS, each.MARK, each.table, each.__name__)
            for each in (budgets, comparison, full_length)
        ),
        (TUTORIAL, full_length.MARK, full_length.table, full_length.__name__),
        *(
            (
                speed_tables.PAGE,
                name,
                lambda _, name=name: speed_tables.table(name),
                speed_tables.__name__,
            )
            for name in speed_tables.TABLES
        ),
        *(
            (page, headline.MARK, headline.table, headline.__name__)
            for page in headline.PAGES
        ),
        *(
            (exit_rules.FINDINGS, each.MARK, made_by(each), each.__name__)
            for each in (exit_rules, kept_models, sibling_policies)
        ),
    ],
)
def test_pages_are_what_results_make(page, mark, make, module, monkeypatch):
    monkeypatch.setattr(sys, "argv", [module, "--check"])
    tables.publish(page, mark, make, module)


def test_a_page_is_written_unless_it_is_only_checked(tmp_path, monkeypatch):
    page = tmp_path / "page.md"
    page.write_text("a\n<!-- m: start -->\nold\n<!-- m: end -->\nz\n")
    monkeypatch.setattr(sys, "argv", ["made", "--check"])
    with pytest.raises(SystemExit, match="out of date: run python -m made"):
        tables.publish(page, "m", lambda results: "new", "made")
    assert "old" in page.read_text()
    monkeypatch.setattr(sys, "argv", ["made"])
    tables.publish(page, "m", lambda results: "new", "made")
    text = page.read_text()
    assert text == "a\n<!-- m: start -->\nnew\n<!-- m: end -->\nz\n"


def test_every_compared_method_is_planned_and_every_rival_compared():
    compared = {name for names in comparison.GROUPS.values() for name in names}
    planned = {
        name.removesuffix("_seed0") for name in planned_runs.of("pooled")
    }
    # The run that chose the head is the plain sum's sibling of that name.
    assert compared <= planned
    assert {*planned_runs.RIVALS, *planned_runs.SECOND_STAGES} <= compared


CURVES = {
    "validation": {"macs": [20, 60, 100], "exit_threshold": [0.2, 0.6, 1]},
    "test": {"exit_threshold": [0, 0.5, 1.0], "accuracy": [0.1, 0.6, 0.8]},
}


def result(name, *, accuracy, exits):
    scores = {"accuracy": accuracy, "many": 0.5, "medium": None, "few": None}
    last = {"static": scores, "exits": [{}] * exits}
    metrics = {
        split: {"best": {"curve": curve, "static": {"macs": 100}}}
        for split, curve in CURVES.items()
    }
    metrics["test"]["last"] = last
    found = {"name": name, "metrics": metrics}
    if exits > 1:
        last["mean_of_exits"] = {"accuracy": 0.75}
        chosen = {"accuracy": 0.7, "saving": -0.02, "exit_shares": [0.5, 0.5]}
        policies = {"accurate": {"test": chosen}, "macs_50": {"test": chosen}}
        found["policy"] = {"policies": policies}
        taps = [{"macs_without_heads": macs} for macs in (10, 20)]
        found["run"] = {"model": {"exits": taps}}
    return found


def line(text, name):
    (found,) = [each for each in text.splitlines() if f"| `{name}` |" in each]
    return [cell.strip() for cell in found.strip("|").split("|")][2:]


def test_rows_of_the_comparison():
    text = comparison.table(
        [
            result("ce_seed0", accuracy=0.6, exits=1),
            result("sum_ce_drw_seed0", accuracy=0.72, exits=2),
            result("ce_drw_seed1", accuracy=0.9, exits=1),
        ]
    )
    assert line(text, "ce") == ["60.0", "50.0 / –", "–", "–", "–", "–"]
    assert line(text, "sum_ce_drw") == [
        *("72.0", "50.0 / –", "75.0", "70.0 (-2.0)", "70.0", "60.0")
    ]
    # Another seed is another choice of images.
    assert line(text, "ce_drw") == ["not run", "", "", "", "", ""]


def test_spread_is_half_the_range():
    assert tables.spread([0.7, 0.73, None]) == "71.5 ± 1.5"
    assert tables.spread([0.7]) == "70.0"
    assert tables.spread([None]) == "–"


def test_saving_without_heads_is_that_of_the_backbone():
    found = tables.chosen(result("x", accuracy=0.5, exits=2))
    assert found["saving_without_heads"] == pytest.approx(1 - 15 / 20)


@pytest.mark.parametrize(
    ("rule", "half", "most"),
    [
        # Half the budget is half way from 20 to 60: s = 0.5.
        ("confidence", 0.6, 0.72),
        # None between its thresholds: the most expensive of 0.2, 0.6 and 1 is
        # 0.2, then 0.6, there test's 0 and 0.5.
        ("patience", 0.1, 0.6),
    ],
)
def test_a_budget_is_read_off_validation(rule, half, most):
    found = result("x", accuracy=0.5, exits=2)
    for split in found["metrics"].values():
        split["best"]["dynamic"] = {"exit_rule": rule}
    assert tables.within(found, 0.5) == pytest.approx(half)
    assert tables.within(found, 0.8) == pytest.approx(most)
    assert tables.within(found, 0.1) is None


def full_length_run():
    """Two exits of 30 and 110, of which the heads are 10 each."""
    taps = [{"macs": m + 10, "macs_without_heads": m} for m in (20, 100)]
    curve = {"exit_threshold": [0.1, 0.3], "accuracy": [0.4, 0.8]}
    curve["exit_shares"] = [[1.0, 0.0], [0.0, 1.0]]
    last = {"static": {"accuracy": 0.9}, "dynamic": {"exit_threshold": 0.2}}
    metrics = {"test": {"last": {**last, "curve": curve}}}
    return {"run": {"model": {"exits": taps}}, "metrics": metrics}


def test_a_point_of_the_pair_is_read_off_its_curve():
    found = full_length.point(full_length_run(), 0.25)
    assert found["accuracy"] == pytest.approx(0.7)
    assert found["exit_shares"] == pytest.approx([0.25, 0.75])
    # 0.25 x 30 + 0.75 x 110 of 100; without heads 0.25 x 20 + 0.75 x 100.
    assert found["saving"] == pytest.approx(0.1)
    assert found["saving_without_heads"] == pytest.approx(0.2)
    none = full_length.point(full_length_run(), float("inf"))
    assert (none["accuracy"], none["exit_shares"]) == (0.9, [0.0, 1.0])
    assert none["saving"] == pytest.approx(-0.1)


def test_thresholds_of_the_pair_are_its_own_t_and_the_siblings():
    sibling = result("x", accuracy=0.5, exits=2)
    sibling["policy"]["policies"]["accurate"]["thresholds"] = [0.55]
    found = full_length.thresholds(full_length_run(), sibling)
    assert found["s = t"] == 0.2
    assert found["`accurate` of the sibling"] == 0.55
    assert found["50 % in the sibling"] == pytest.approx(0.5)


def test_a_row_of_exit_rules():
    test = {"accuracy": 0.705, "saving": 0.25}
    policies = {name: {"test": test} for name in exit_rules.POLICIES}
    made = exit_rules.table({"rules": {"margin": {"policies": policies}}})
    cells = " | ".join(["70.5 (25.0)"] * 4)
    assert f"| margin | {cells} |" in made.splitlines()


def test_rows_of_running_sums_and_of_what_was_not_swept():
    test = {"accuracy": 0.71, "saving": 0.5}
    policies = {name: {"test": test} for name in exit_rules.POLICIES}
    record = {"rules": {"margin": None}, "running": {"margin": None}}
    record["running"]["confidence"] = {"policies": policies}
    rows = exit_rules.table(record).splitlines()[2:]
    missing = " | ".join(["not swept"] * 4)
    # Also those that the record does not name.
    for row in ("margin", "margin, running sums", "patience, running sums"):
        assert f"| {row} | {missing} |" in rows
    cells = " | ".join(["71.0 (50.0)"] * 4)
    assert f"| confidence, running sums | {cells} |" in rows
    assert len(rows) == 2 * len(certainty.EXIT_RULES)


def test_every_rule_was_swept():
    record = runs.read_json(exit_rules.RECORD)
    assert list(record["rules"]) == list(certainty.EXIT_RULES)


def test_sums_of_faults():
    ended = {"injected": 5, "survived": 4, "longest_seconds_to_end": 1.5}
    lost = {"examples_lost_or_repeated": 1, "steps_computed_again": 2}
    made = {
        "SIGTERM": ended | lost,
        "fuzzed lists": {"tried": 200, "answered": 199, "refused": 150},
        "fuzzed images": {"tried": 100, "answered": 100, "refused": 50},
    }
    _, _, first, second = faults_table.table(made).splitlines()
    assert "| 5 | 4 | 1 | status 75 within 1.5 s; 2 steps" in first
    assert "| 300 | 299 |  | 200 refused in one line" in second


def test_a_figure_without_a_row_is_told():
    with pytest.raises(ValueError, match="no row counts quakes"):
        faults_table.table({"quakes": {"injected": 1, "survived": 1}})
