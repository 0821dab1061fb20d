"""The exports in the repository work as they were committed."""

import functools
import json

import numpy as np
import page_runs
import pytest
from command_runs import CHECKOUT

from elf_keras.deploy import chain_runner

EXPORTS = CHECKOUT / "savedmodels"
DIGITS, GROCERIES = EXPORTS / "digits_lt" / "1", EXPORTS / "groceries" / "1"


@functools.cache
def record(folder):
    return json.loads((folder / "manifest.json").read_text())


def right(folder, variant, policy):
    """Whether each sample is, and where it left."""
    runner = chain_runner.ChainRunner(folder / "manifest.json", variant=variant)
    images = page_runs.samples(folder)
    told = json.loads((folder / "samples" / "samples.json").read_text())
    assert told["count"] == len(images)
    answers = [runner.predict(image, policy=policy) for image in images]
    classes = np.array([answer.class_index for answer in answers])
    names = [answer.class_name for answer in answers]
    assert names == [record(folder)["class_names"][c] for c in classes]
    return classes == told["labels"], [answer.exit for answer in answers]


@pytest.mark.parametrize("variant", sorted(record(DIGITS)["variants"]))
@pytest.mark.parametrize("policy", ["all_exits", "macs_25"])
def test_it_knows_its_digits(variant, policy):
    known, exits = right(DIGITS, variant, policy)
    at = record(DIGITS)["variants"][variant]["policies"][policy]
    assert np.mean(known) == pytest.approx(at["accuracy"], abs=0.06)
    left_early = np.mean(np.array(exits) < 4)
    assert left_early == 0 if policy == "all_exits" else left_early > 0.5


def test_it_knows_groceries_and_leaves_early():
    """Four of five test photos are right, a third of the cost is saved."""
    known, exits = right(GROCERIES, "int8", record(GROCERIES)["default_policy"])
    assert sum(known) >= 7
    assert 0 < sum(exit < 4 for exit in exits) < len(known)


@pytest.mark.parametrize("folder", [DIGITS, GROCERIES])
def test_what_it_advises_can_be_asked(folder):
    for name in record(folder)["variants"]:
        runner = chain_runner.ChainRunner(folder, variant=name)
        advice = runner.advice["all_exits"]
        if "use static" in advice:
            assert runner.thresholds("static")
        else:
            assert "without --chain_only" in advice


@pytest.mark.parametrize(
    ("folder", "most", "judged"), [(DIGITS, 2e6, 3), (GROCERIES, 6e6, 0)]
)
def test_it_is_small_and_passed_its_checks(folder, most, judged):
    size = sum(path.stat().st_size for path in folder.parent.rglob("*.*"))
    assert size < most
    parity = record(folder)["parity"]
    passed = [row["passed"] for row in parity if row["passed"] is not None]
    assert passed == [True] * judged
    assert not record(folder)["git_revision"].endswith("+")
