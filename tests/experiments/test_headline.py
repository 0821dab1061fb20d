"""The first table: pairs of runs, as far as they were made, the best first."""

import pytest

from elf_keras import runs
from experiments import headline, sibling_policies

BEST, LDAM = headline.PAIRS


def row(model, policy, accuracy, saving):
    about = {"model": model, "policy": policy}
    return about | {"accuracy": accuracy, "saving": saving}


def bare(name, accuracy):
    static = {"static": {"accuracy": accuracy}}
    return {"name": name, "metrics": {"test": {"last": static}}}


@pytest.fixture
def lines(tmp_path, monkeypatch):
    """Of the table, for runs with early exits and without: cells by row."""

    def made(rows, results):
        record = tmp_path / "rows.json"
        runs.write_json(record, {"rows": rows, "curves": {}})
        monkeypatch.setattr(sibling_policies, "RECORD", record)
        monkeypatch.setattr(headline.photos_table, "load", list)
        found = headline.table(results).splitlines()[2:]
        cells = [line.strip("| ").split(" | ") for line in found]
        return [each for each in cells if "early" in each[-3]][:-2]

    return made


def test_two_runs_are_a_mean_and_one_has_no_spread(lines):
    rows = [
        row(f"{LDAM.early}_seed0", "macs_75", 0.8, 0.5),
        row(f"{LDAM.early}_seed0", "macs_50", 0.75, 0.625),
        row(f"{LDAM.early}_seed1", "macs_75", 0.82, 0.54),
        row(f"{LDAM.early}_seed1", "macs_50", 0.77, 0.625),
    ]
    found = lines(rows, [bare(f"{LDAM.bare}_seed1", 0.7)])
    assert found == [
        [LDAM.data, "without early exits", "70.0", "100"],
        ["with three early exits", "**81.0 ± 1.0**", "**48.0 ± 2.0**"],
        ["with three early exits", "76.0 ± 1.0", "37.5 ± 0.0"],
    ]


def test_the_best_recipe_leads_as_soon_as_there_is_a_run_of_it(lines):
    rows = [
        row(f"{pair.early}_seed0", policy, 0.8, 0.5)
        for pair in headline.PAIRS
        for policy in headline.POLICIES
    ]
    found = lines(rows, [])
    early = ["with three early exits", "80.0", "50.0"]
    bold = ["with three early exits", "**80.0**", "**50.0**"]
    assert found == [[BEST.data, *bold], early, [LDAM.data, *early], early]
