"""The export in the repository works as it was committed."""

import json

import numpy as np
import page_runs
import pytest
from command_runs import CHECKOUT

from elf_keras.deploy import chain_runner

FOLDER = CHECKOUT / "savedmodels" / "digits_lt" / "1"
RECORD = json.loads((FOLDER / "manifest.json").read_text())


@pytest.mark.parametrize("variant", sorted(RECORD["variants"]))
@pytest.mark.parametrize("policy", ["all_exits", "macs_25"])
def test_it_knows_its_digits(variant, policy):
    runner = chain_runner.ChainRunner(FOLDER / "manifest.json", variant=variant)
    images = page_runs.samples(FOLDER)
    record = json.loads((FOLDER / "samples" / "samples.json").read_text())
    assert record["count"] == len(images)
    answers = [runner.predict(image, policy=policy) for image in images]
    names = np.array([answer.class_name for answer in answers])
    right = names == np.array(record["labels"]).astype(str)
    expected = RECORD["variants"][variant]["policies"][policy]["accuracy"]
    assert np.mean(right) == pytest.approx(expected, abs=0.06)
    left_early = np.mean([answer.exit < 4 for answer in answers])
    assert left_early == 0 if policy == "all_exits" else left_early > 0.5


def test_it_is_small_and_passed_its_checks():
    size = sum(path.stat().st_size for path in FOLDER.rglob("*.*"))
    assert size < 2_000_000
    judged = [row for row in RECORD["parity"] if row["passed"] is not None]
    assert len(judged) == 3 and all(row["passed"] for row in judged)
    assert not RECORD["git_revision"].endswith("+")
