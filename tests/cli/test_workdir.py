"""The flags that a run's folder keeps, and who may go on there."""

import os

import command_runs
import pytest
from absl import flags
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from elf_keras import runs
from elf_keras.cli import workdir
from elf_keras.errors import InputError
from elf_keras.runs import flagfiles


@pytest.mark.parametrize(
    ("changed", "refused"),
    [
        ("--strategy=single", False),
        ("--data_dir=elsewhere", False),
        ("--epochs=4", True),
        ("--flip", True),
        ("--exit_threshold=0.8", True),
        ("--image_size=8", True),
        ("--mixed_precision=bfloat16", True),
    ],
)
def test_only_incidental_flags_may_change_on_resume(tmp_path, changed, refused):
    with command_runs.fresh_flags(f"--workdir={tmp_path}", "--epochs=3"):
        workdir.open_workdir()
    before = command_runs.content(tmp_path)
    again = (f"--workdir={tmp_path}", "--epochs=3", "--resume")
    with command_runs.fresh_flags(*again, changed):
        if refused:
            name = changed.removeprefix("--").partition("=")[0]
            with pytest.raises(InputError, match=f"other flags.*{name}"):
                workdir.check_workdir()
        else:
            assert workdir.check_workdir() == tmp_path
            assert workdir.open_workdir() == tmp_path
    assert command_runs.content(tmp_path) == before


def test_a_run_begun_before_a_flag_existed_goes_on(tmp_path):
    with command_runs.fresh_flags(f"--workdir={tmp_path}"):
        workdir.open_workdir()
    record = tmp_path / runs.FLAGS
    lines = record.read_text().splitlines(keepends=True)
    older = [line for line in lines if not line.startswith("--sampler")]
    assert len(older) == len(lines) - 1
    record.write_text("".join(older))
    with command_runs.fresh_flags(f"--workdir={tmp_path}", "--resume") as now:
        assert workdir.check_workdir() == tmp_path
        now.sampler = "square_root"
        with pytest.raises(InputError, match="other flags.*sampler"):
            workdir.check_workdir()


def test_checking_the_folder_writes_nothing(tmp_path):
    folder = tmp_path / "new" / "run"
    with command_runs.fresh_flags(f"--workdir={folder}"):
        assert workdir.check_workdir() == folder
        assert not (tmp_path / "new").exists()
        workdir.open_workdir()
    assert sorted(command_runs.content(tmp_path / "new")) == [
        "run",
        "run/flags.flags",
    ]


def test_flags_of_another_run_leave_this_command_s_alone(tmp_path):
    with command_runs.fresh_flags(f"--workdir={tmp_path}", "--seed=3"):
        workdir.open_workdir()
    words = ("--data_dir=here", "--flip")
    with command_runs.fresh_flags("--seed=7", "--noflip", "--epochs=5") as now:
        before = now.flag_values_dict()
        found = workdir.flags_of(tmp_path, words)
        assert (found.seed, found.epochs) == (3, now["epochs"].default)
        assert (found.data_dir, found.flip) == ("here", True)
        assert found["seed"].serialize() == "--seed=3"
        assert now.flag_values_dict() == before
        with pytest.raises(InputError, match="not the folder of a run"):
            workdir.flags_of(tmp_path / "other")


# What a command line can hold.
GIVEN = st.binary(max_size=12).map(
    lambda raw: os.fsdecode(raw.replace(b"\0", b"0"))
)


@pytest.mark.slow
@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(values=st.dictionaries(st.integers(0, 200), GIVEN, min_size=1))
def test_any_value_of_any_flag_is_repeated(tmp_path, values):
    with command_runs.fresh_flags("--workdir=w") as now:
        # A plug-in must be there: test_plugin_flags.py has one.
        named = [flag for flag in workdir.shared() if flag.name != "plugin"]
        for number, value in values.items():
            flag = named[number % len(named)]
            kept = flag.value
            try:
                now([" ", f"--{flag.name}={value}"])
            except (flags.Error, ValueError):
                flag.value = kept
        now.resume = False
        before = now.flag_values_dict()
        flagfiles.write(tmp_path / runs.FLAGS, workdir.resolved())
        found = workdir.flags_of(tmp_path)
        assert found.flag_values_dict() == before
