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
        "benchmarks.inference.chain --rounds=2 --backbone=resnet8 "
        "--image_size=16 --variants float32"
    )
    assert found["float32"]["chain_over_one_file"] > 0


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
    stages = [name for name in found["ms"] if name.startswith("stage")]
    # By hand, with nine of ten images leaving at the first exit.
    leaves, stays = found["ms"]["leaves at 1"], found["ms"]["stays"]
    first, *later = (found["ms"][name] for name in stages)
    expected = (0.9 * leaves + 0.1 * stays) / (first + 0.1 * sum(later))
    ratio = found["ratio_to_stages"]["0.9"]
    assert ratio == pytest.approx(expected, rel=0.01)
