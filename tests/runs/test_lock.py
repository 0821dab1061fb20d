"""One training at a time in a folder, whatever becomes of the first."""

import errno
import fcntl
import os
import signal
import socket

import command_runs
import pytest

from elf_keras import runs
from elf_keras.errors import InputError

HOLDS = """
import pathlib, sys, time
from elf_keras import runs
with runs.locked(pathlib.Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(300)
"""


def test_the_second_is_told_who_has_it_until_the_first_is_killed(tmp_path):
    first = command_runs.child("-c", HOLDS, tmp_path)
    assert first.stdout.readline() == "held\n"
    who = f"process {first.pid} on {socket.gethostname()}"
    for _ in range(2):
        with pytest.raises(InputError, match=who), runs.locked(tmp_path):
            pytest.fail("two at once")
    first.send_signal(signal.SIGKILL)
    first.communicate()
    # What it left is nobody's, and no file of something else.
    assert (tmp_path / runs.LOCK).exists()
    runs.check(tmp_path, resume=False)
    with runs.locked(tmp_path):
        assert str(os.getpid()) in (tmp_path / runs.LOCK).read_text()
    assert list(tmp_path.iterdir()) == []


def test_one_that_waited_at_a_removed_file_takes_the_new_one(
    tmp_path, monkeypatch
):
    """Its owner may remove it between opening it and locking it."""
    path, real, opened = tmp_path / runs.LOCK, fcntl.flock, []

    def flock(handle, how):
        if not opened:
            path.unlink()
        opened.append(handle)
        real(handle, how)

    monkeypatch.setattr(fcntl, "flock", flock)
    with runs.locked(tmp_path):
        assert len(opened) == 2
        assert path.exists()


def test_a_file_system_without_locks_is_no_error(tmp_path, monkeypatch):
    def flock(*_):
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", flock)
    with runs.locked(tmp_path):
        pass
