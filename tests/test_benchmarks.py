"""Benchmarks still run: their figures are no test, that they come is one."""

import json
import subprocess
import sys

import command_runs
import pytest

pytestmark = pytest.mark.slow


def measured(words):
    command = [sys.executable, "-m", *words.split()]
    found = subprocess.run(
        command, capture_output=True, text=True, cwd=command_runs.CHECKOUT
    )
    assert found.returncode == 0, found.stderr[-2000:]
    return json.loads(found.stdout)


def test_the_chain_is_measured_against_one_file():
    found = measured(
        "benchmarks.inference.chain --rounds=2 --openings=2 --backbone=resnet8 "
        "--image_size=16 --variants float32"
    )
    ratio = found["float32"]["chain_over_one_file"]
    assert 0 < ratio["least"] <= ratio["median"] <= ratio["most"]


def test_each_step_of_an_export_is_timed():
    found = measured(
        "benchmarks.export_time --backbone=resnet8 --formats=float32 "
        "--score_images=9"
    )
    assert found["seconds"] > 0
    (compared,) = [step for step in found["steps"] if "compared" in step]
    assert "float32 compared with the model" in compared


def test_requests_are_timed_without_python():
    found = measured(
        "benchmarks.inference.served --rounds=2 --backbone=resnet8 "
        "--image_size=16"
    )
    assert all(value > 0 for value in found["ms"].values())
    assert {"leaves at 1", "stays", "stage 1"} < {*found["ms"]}
    assert {*found["ratio_to_stages"]} == {"0", "0.5", "0.9"}
