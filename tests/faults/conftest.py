"""Faults run by `make faults` alone, and the figures that they leave."""

import json
import pathlib

import pytest

FOLDER = pathlib.Path(__file__).resolve().parent
FIGURES = FOLDER.parents[1] / "benchmarks" / "results" / "faults.json"


def pytest_collection_modifyitems(config, items):
    """Mark what is here; without being asked for it is left out."""
    mine = [item for item in items if FOLDER in item.path.parents]
    for item in mine:
        item.add_marker(pytest.mark.faults)
    if "faults" not in config.option.markexpr:
        config.hook.pytest_deselected(items=mine)
        items[:] = [item for item in items if item not in mine]


@pytest.fixture
def figures():
    """Keep a fault's figures: `figures("kills", injected=30, ...)`."""

    def keep(name, **values):
        found = json.loads(FIGURES.read_text()) if FIGURES.exists() else {}
        found[name] = values
        FIGURES.write_text(json.dumps(found, indent=1, sort_keys=True) + "\n")

    return keep
