"""TF_CONFIG is read, or refused in one line."""

import json

import command_runs
import pytest

from elf_keras import errors
from elf_keras.distribution import cluster

TWO = {"worker": ["one:2222", "two:2222"]}


def config(monkeypatch, jobs, kind="worker", index=0):
    """Set TF_CONFIG: to a text, to what jobs and a task make, or not at all."""
    monkeypatch.delenv("TF_CONFIG", raising=False)
    if isinstance(jobs, dict):
        task = {"type": kind, "index": index}
        jobs = json.dumps({"cluster": jobs, "task": task})
    if jobs is not None:
        monkeypatch.setenv("TF_CONFIG", jobs)


@pytest.mark.parametrize("text", [None, "", "  ", "{}"])
def test_no_cluster(monkeypatch, text):
    config(monkeypatch, text)
    assert cluster.from_environment() is None


@pytest.mark.parametrize(
    ("jobs", "kind", "index", "place"),
    [
        (TWO, "worker", 0, 0),
        (TWO, "worker", 1, 1),
        (TWO, "worker", "1", 1),
        ({"chief": ["zero:1"], **TWO}, "chief", 0, 0),
        ({"chief": ["zero:1"], **TWO}, "worker", 0, 1),
        ({"chief": ["zero:1"], **TWO}, "worker", 1, 2),
    ],
)
def test_place_in_the_cluster(monkeypatch, jobs, kind, index, place):
    config(monkeypatch, jobs, kind, index)
    found = cluster.from_environment()
    assert found.index == place
    assert found.is_chief == (place == 0)
    assert found.workers[-2:] == ("one:2222", "two:2222")


@pytest.mark.parametrize(
    ("given", "says"),
    [
        (["{"], "JSONDecodeError"),
        (["[1]"], "TypeError"),
        (['"worker"'], "TypeError"),
        (['{"cluster": {}}'], "task"),
        ([{"worker": []}], "worker 0 is not one of the 0"),
        ([{"worker": "one:1"}], "must be a list"),
        ([{"worker": ["one"]}], "'one' is not host:port"),
        ([{"worker": ["one:0"]}], "'one:0' is not host:port"),
        ([{"worker": ["one:x", "two:1"]}], "'one:x' is not host:port"),
        ([{"worker": ["one:1", "one:1"]}], "named twice"),
        ([{"worker": [1, 2]}], "1 is not host:port"),
        ([{"worker": None}], "must be a list"),
        ([{"chief": ["a:1", "b:1"], "worker": ["c:1"]}], "one address"),
        ([{"worker": ["one:1"], "ps": ["two:1"]}], "only chief and worker"),
        ([TWO, "worker", 2], "worker 2 is not one"),
        ([TWO, "worker", -1], "worker -1 is not one"),
        ([TWO, "ps"], ""),
        ([TWO, "evaluator"], ""),
        ([TWO, None], ""),
    ],
)
def test_malformed(monkeypatch, given, says):
    config(monkeypatch, *given)
    with pytest.raises(errors.InputError, match="TF_CONFIG cannot be") as told:
        cluster.from_environment()
    assert says in str(told.value)
    assert "\n" not in str(told.value)


@pytest.mark.parametrize(
    ("strategy", "workers", "found"),
    [
        ("auto", 0, 0),
        ("auto", 1, 0),
        ("auto", 2, 2),
        ("multi_worker", 1, 1),
        ("multi_worker", 2, 2),
        ("single", 2, 0),
        ("mirrored", 2, 0),
    ],
)
def test_who_is_joined(monkeypatch, strategy, workers, found):
    jobs = {"worker": TWO["worker"][:workers]}
    config(monkeypatch, jobs if workers else None)
    joined = cluster.for_strategy(strategy)
    assert (len(joined.workers) if joined else 0) == found


@pytest.mark.parametrize("text", [None, "{", "{}"])
def test_train_without_a_usable_config(monkeypatch, tmp_path, text):
    config(monkeypatch, text)
    words = (f"--workdir={tmp_path / 'run'}", "--strategy=multi_worker")
    command_runs.refused("train", *words, says=["TF_CONFIG"])
    assert not (tmp_path / "run").exists()
