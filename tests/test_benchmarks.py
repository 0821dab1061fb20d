"""Benchmarks still run: their figures are no test, that they come is one."""

import json
import subprocess
import sys

import command_runs
import pytest

pytestmark = pytest.mark.slow


def test_the_chain_is_measured_against_one_file():
    command = (
        f"{sys.executable} -m benchmarks.inference.chain --rounds=2 "
        "--backbone=resnet8 --image_size=16 --variants float32"
    )
    found = subprocess.run(
        command.split(),
        capture_output=True,
        text=True,
        cwd=command_runs.CHECKOUT,
    )
    assert found.returncode == 0, found.stderr[-2000:]
    assert json.loads(found.stdout)["float32"]["chain_over_one_file"] > 0
