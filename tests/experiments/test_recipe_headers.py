"""Headers of recipes: a number stands beside the very command of its run."""

import itertools
import pathlib
import re

import command_runs
import numpy as np
import pytest

from elf_keras import runs

FOLDER = command_runs.CHECKOUT / "experiments"
RESULTS = sorted((FOLDER / "results").glob("*.json"))
PHOTOS = command_runs.CHECKOUT / "benchmarks" / "results" / "photos.json"
MEASURED, BY = "# Measured: ", "# Measured by: "
# Where the images are, and that a stopped run goes on, change no number.
INCIDENTAL = ("--data_dir", "--resume")


def header(path):
    """Its line of numbers, and the words of each command below it."""
    lines = path.read_text(encoding="utf-8").splitlines()
    (measured,) = (line for line in lines if line.startswith(MEASURED))
    by = [line.removeprefix(BY) for line in lines if line.startswith(BY)]
    return measured.removeprefix(MEASURED), [text.split() for text in by]


def without(words, *names):
    return [word for word in words if word.partition("=")[0] not in names]


def name_of(words):
    return pathlib.Path(words[-1]).name


@pytest.fixture(scope="module")
def records():
    """Recorded runs by name."""
    return {path.stem: runs.read_json(path) for path in RESULTS}


RECIPES = {
    str(path.relative_to(FOLDER)): path
    for path in sorted(FOLDER.rglob("*.flags"))
    if path.parent.name != "base"
}
TOLD = {name: path for name, path in RECIPES.items() if header(path)[1]}


@pytest.mark.parametrize("name", [n for n in TOLD if n != "photos.flags"])
def test_a_command_is_the_recorded_one(name, records):
    for words in header(TOLD[name])[1]:
        recorded = records[name_of(words)]["command"].split()
        expected = without(recorded, *INCIDENTAL)
        # A run's folder comes last, whatever its place was.
        folder = [f"--workdir=runs/{name_of(words)}"]
        assert without(words, "--data_dir") == [
            *without(expected, "--workdir"),
            *folder,
        ]
        # It still means the flags that the run had, defaults among them.
        with command_runs.fresh_flags(*words[3:]) as flags:
            values = [flags[each] for each in flags]
            now = {f.serialize() for f in values if f.value is not None}
        had = records[name_of(words)]["run"]["flags"]
        assert set(without(had, "--workdir", "--data_dir")) <= now


def test_no_recorded_recipe_lacks_its_command(records):
    recorded = {
        match[1]
        for record in records.values()
        if (match := re.search(r"experiments/(\S+\.flags)", record["command"]))
    }
    assert recorded == set(TOLD) - {"photos.flags"}
    assert len(recorded) > 20


def test_photos_were_measured_by_the_benchmark():
    recorded = {unit["command"] for unit in runs.read_json(PHOTOS)["units"]}
    recorded = {tuple(without(c.split(), *INCIDENTAL)) for c in recorded}
    commands = header(TOLD["photos.flags"])[1]
    assert len(commands) == 2
    for words in commands:
        assert tuple(without(words, *INCIDENTAL)) in recorded


def accuracies(record, s):
    """Accuracies on test after the last epoch: as scored, or at this s."""
    scores = record["metrics"]["test"]["last"]
    if s is not None:
        curve = scores["curve"]
        away = np.abs(np.array(curve["exit_threshold"]) - s)
        return {"curve": curve["accuracy"][away.argmin()]}
    found = {"top1": scores["static"]["top1"]}
    for mode in ("static", "dynamic", "mean_of_exits"):
        found[mode] = scores.get(mode, {}).get("accuracy", np.nan)
    return found


@pytest.mark.parametrize("name", [n for n in TOLD if n != "photos.flags"])
def test_the_first_number_is_that_of_the_first_command(name, records):
    measured, commands = header(TOLD[name])
    asked = re.match(r"([\d.]+)[^(;]*--exit_threshold=([\d.]+)", measured)
    s = float(asked[2]) if asked else None
    # Seeds of one command are averaged.
    seeds = itertools.groupby(
        commands, lambda words: without(words, "--seed", "--workdir")
    )
    group = [name_of(words) for words in next(seeds)[1]]
    found = [accuracies(records[run], s) for run in group]
    means = [np.mean([each[key] for each in found]) for key in found[0]]
    told = float(re.match(r"[\d.]+", measured)[0])
    # A point of a thinned curve is near the s that is told.
    reach = 0.2 if s else 0.0501
    assert min(abs(100 * np.array(means) - told)) <= reach, means
