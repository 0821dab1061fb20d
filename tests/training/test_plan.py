"""Plans by hand, fleets as text."""

import command_runs
import pytest

from elf_keras import errors
from elf_keras.training import dry_run, plan

# 3.6 million images; 1000 MACs are 6000 FLOPs.
WORK = plan.Work(
    images=3_600_000,
    batch=10,
    macs=1_000_000_000,
    parameters=2**30,
    values=2**28,
    pipeline=50.0,
    images_per_second=100.0,
)


def planned(text, *, half=True, utilization=0.5, efficiency=0.5):
    found = plan.rows(
        WORK,
        plan.parse_fleet(text),
        half=half,
        utilization=utilization,
        efficiency=efficiency,
    )
    return {what.strip(): figure for what, figure in found}


def test_a_measured_speed():
    found = planned("1x100/s@3")
    assert found["on 1 x 100/s"] == "100 images/s"
    assert found["time"] == "10.0 h"
    assert found["money"].startswith("30.00,")
    # 12 bytes a parameter, 10 images of 2**28 values of 2 bytes.
    assert found["memory of each device"] == "17 GiB"
    assert "assumed: several" not in found


def test_several_devices():
    found = planned("4x100/s@3", half=False)
    assert found["on 4 x 100/s"] == "200 images/s"
    assert found["time"] == "5.0 h"
    assert found["device hours"] == "20"
    assert found["money"].startswith("60.00,")
    assert found["images of each device in a step"] == "3"
    assert found["memory of each device"] == "15 GiB"
    assert "50%" in found["assumed: several"]
    assert "this machine reads 50" in found["assumed: reading"]
    # Devices like those here.
    assert planned("2xhere")["on 2 x here"] == "100 images/s"


def test_from_multiply_adds():
    # Half of 12e12 FLOP/s over 6e9 FLOPs an image.
    assert planned("1x12T")["on 1 x 12T"] == "1000 images/s"
    assert "money" not in planned("1x12T")
    found = planned("1xA100"), planned("1xA100", half=False)
    assert found[0]["on 1 x A100"] == "26000 images/s"
    assert found[1]["on 1 x A100"] == "13000 images/s"
    assert "--plan_utilization" in found[0]["assumed: speed of one"]


@pytest.mark.parametrize(
    "text",
    ["", "A100", "0xA100", "8xB200", "8xA100@", "8xA100@x", "8x0T", "8x0/s"]
    + ["8xxT", "-1xA100", "8xA100@1@2", "8x-5/s", "8xnan/s", "8xinfT", "x"]
    + ["8x", f"{'9' * 310}xA100", f"8xA100@{'9' * 310}"],
)
def test_refused(text):
    with pytest.raises(errors.InputError, match="expected COUNTxDEVICE@PRICE"):
        plan.parse_fleet(text)


def test_more_devices_than_a_batch_has_images():
    assert planned("10x100/s")["images of each device in a step"] == "1"
    with pytest.raises(errors.InputError, match="=10 for 11 replicas"):
        planned("11x100/s")


@pytest.mark.slow
def test_command(tmp_path, monkeypatch):
    monkeypatch.setattr(dry_run.measure, "__kwdefaults__", {"seconds": 0.1})
    words = (*command_runs.TINY, "--plan=8xA100@2.5", "--epochs=100")
    ended = command_runs.done("train", *words, f"--workdir={tmp_path / 'run'}")
    assert "on 8 x A100" in ended.out
    assert "money" in ended.out
    assert not (tmp_path / "run").exists()
    command_runs.refused(
        "train", *command_runs.TINY, "--plan=8xB200", says=["8xB200", "A100"]
    )
