"""A run's folder: whole files or none, and nobody else's folder."""

import errno
import hashlib
import json
import math
import os
import pathlib
import subprocess
import sys

import numpy as np
import pytest

from elf_keras import runs
from elf_keras.errors import InputError


def names(folder):
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize("old", [None, "old"])
def test_replacing_leaves_what_was_there_after_an_exception(tmp_path, old):
    path = tmp_path / "new" / "file.json"
    if old:
        runs.write_text(path, old)
    full = OSError(errno.ENOSPC, "No space left on device")
    with pytest.raises(OSError), runs.replacing(path) as temporary:
        temporary.write_text("half of the n")
        raise full
    assert names(path.parent) == (["file.json"] if old else [])
    assert not old or path.read_text() == old


def test_replacing_is_one_rename_beside_the_file(tmp_path):
    path = tmp_path / "model.weights.h5"
    path.write_text("old")
    reader = path.open()
    with runs.replacing(path) as temporary:
        assert temporary.parent == tmp_path
        assert temporary.name.endswith(".weights.h5")
        temporary.write_text("new")
        assert path.read_text() == "old"
        inode = temporary.stat().st_ino
    assert path.stat().st_ino == inode
    assert (path.read_text(), reader.read()) == ("new", "old")
    assert names(tmp_path) == ["model.weights.h5"]
    reader.close()


def test_files_of_a_run_may_be_read_by_others(tmp_path):
    runs.write_text(tmp_path / "file", "text")
    assert (tmp_path / "file").stat().st_mode & 0o777 == 0o644


def test_json_has_null_for_nan_and_lists_for_arrays(tmp_path):
    path = tmp_path / "record.json"
    record = {
        "nan": math.nan,
        "infinite": np.float32("inf"),
        "nested": [{"deep": -math.inf}],
        "array": np.array([[1.5, np.nan]]),
        "whole": np.int64(3),
        "truth": np.bool_(True),
        "tuple": (1, "ü"),
        7: None,
    }
    runs.write_json(path, record)
    text = path.read_text(encoding="utf-8")

    def refuse(constant):
        raise AssertionError(f"{constant} is not JSON")

    assert json.loads(text, parse_constant=refuse) == {
        "nan": None,
        "infinite": None,
        "nested": [{"deep": None}],
        "array": [[1.5, None]],
        "whole": 3,
        "truth": True,
        "tuple": [1, "ü"],
        "7": None,
    }
    assert runs.read_json(path)["whole"] == 3


def test_floats_come_back_exactly(tmp_path):
    record = {"values": np.random.default_rng(0).normal(size=50).tolist()}
    runs.write_json(tmp_path / "floats.json", record)
    assert runs.read_json(tmp_path / "floats.json") == record


@pytest.mark.parametrize(
    "damage",
    [b"", b'{"a": 1', b"\xff\xfe\x00", b"no", b"[1]", b"1", b"[" * 200_000],
)
def test_damaged_json_is_one_clear_line(tmp_path, damage):
    path = tmp_path / "run.json"
    path.write_bytes(damage)
    with pytest.raises(InputError, match="cannot be read") as caught:
        runs.read_json(path)
    assert str(path) in str(caught.value)


def test_missing_json_asks_for_a_finished_run(tmp_path):
    with pytest.raises(InputError, match="does not exist.*finished run"):
        runs.read_json(tmp_path / "run.json")


def test_csv(tmp_path):
    rows = [{"a": 1, "b": 'with "quotes", and commas'}, {"a": 0.1, "b": ""}]
    runs.write_csv(tmp_path / "rows.csv", rows)
    text = (tmp_path / "rows.csv").read_text()
    assert text == 'a,b\n1,"with ""quotes"", and commas"\n0.1,\n'


def test_a_column_that_later_rows_have_alone(tmp_path):
    """Of a run that goes on with a version that records more."""
    runs.write_csv(tmp_path / "rows.csv", [{"a": 1}, {"a": 2, "b": 0.5}])
    assert (tmp_path / "rows.csv").read_text() == "a,b\n1,nan\n2,0.5\n"


def test_checksum(tmp_path):
    path = tmp_path / "bytes"
    path.write_bytes(b"abc")
    # From the standard's own example (FIPS 180-2, B.1).
    assert runs.checksum(path).startswith("ba7816bf8f01cfea414140de5dae2223")
    assert runs.checksum(path) == hashlib.sha256(b"abc").hexdigest()


@pytest.mark.parametrize("resume", [False, True])
def test_an_empty_folder_is_free_and_one_of_other_files_refused(
    tmp_path, resume
):
    runs.check(tmp_path / "new" / "deeper", resume=resume)
    runs.check(tmp_path, resume=resume)
    assert names(tmp_path) == []
    (tmp_path / "thesis.tex").write_text("years of work")
    with pytest.raises(InputError, match="something else"):
        runs.check(tmp_path, resume=resume)


def test_another_run_is_refused_unless_resumed(tmp_path):
    (tmp_path / runs.FLAGS).write_text("--epochs=3\n")
    with pytest.raises(InputError, match="never.*overwritten.*--resume"):
        runs.check(tmp_path, resume=False)
    runs.check(tmp_path, resume=True)


@pytest.mark.parametrize("below", ["file", "file/run", "file/deep/run"])
def test_a_path_at_or_below_a_file_is_refused(tmp_path, below):
    (tmp_path / "file").write_text("text")
    with pytest.raises(InputError, match="is a file"):
        runs.check(tmp_path / below, resume=True)


def test_a_link_that_leads_nowhere_is_refused(tmp_path):
    (tmp_path / "link").symlink_to(tmp_path / "gone")
    with pytest.raises((InputError, OSError)):
        runs.check(tmp_path / "link", resume=False)
        runs.write_text(tmp_path / "link" / runs.FLAGS, "")


def test_environment_says_what_repeats_the_run():
    found = runs.environment()
    assert {"command", "git_revision", "python", "versions"} <= set(found)
    assert found["versions"]["keras"].startswith("3.")
    assert None not in found["versions"].values()
    information = pathlib.Path("/proc/cpuinfo")
    if information.exists() and " avx2 " in information.read_text():
        assert "avx2" in found["processor"]
    json.dumps(found)


def test_peak_memory_is_in_bytes():
    statm = pathlib.Path("/proc/self/statm")
    if not statm.exists():
        pytest.skip("no /proc on this system")
    pages = int(statm.read_text().split()[1])
    resident = pages * os.sysconf("SC_PAGE_SIZE")
    assert 0.5 * resident < runs.peak_memory() < 64 * 2**30


def test_peak_memory_is_not_that_of_the_parent():
    large = np.ones(300 * 2**17)
    code = "from elf_keras import runs; print(runs.peak_memory())"
    shown = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, check=True, text=True
    )
    assert runs.peak_memory() > large.nbytes
    assert int(shown.stdout) < large.nbytes
