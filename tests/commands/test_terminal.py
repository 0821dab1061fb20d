"""Commands in a terminal: one line rewritten in place, and whole lines."""

import contextlib
import fcntl
import os
import pty
import re
import shutil
import struct
import subprocess
import sys
import termios

import command_runs
import made_run
import pytest
import terminals
from absl import flags

from elf_keras.cli.usable_flags import COMMANDS
from elf_keras.runs import progress


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return made_run.folder(tmp_path_factory.mktemp("made") / "run")


@pytest.fixture
def folder(made, tmp_path, monkeypatch):
    """A finished run, and the data that commands find."""
    made_run.give(monkeypatch)
    return shutil.copytree(made, tmp_path / "run")


def steps(lines):
    """Lines without their seconds."""
    return [re.sub(r"^ *\d+\.\d s  ", "", line) for line in lines]


def test_evaluate_counts_images_and_leaves_a_line_for_each_step(
    folder, monkeypatch
):
    monkeypatch.setattr(progress, "PAUSE", 0.0)
    monkeypatch.setenv("COLUMNS", "80")
    terminal = terminals.Terminal()
    words = (f"--workdir={folder}", "--split=test", "--split=validation")
    ended = command_runs.run("evaluate", *words, err=terminal)
    assert ended.status == 0, ended.err
    images = re.findall(r"(\w+) scored: (\d+) images", ended.err)
    assert [name for name, _ in images] == ["test", "validation"]
    told = [f"{name} scored: {count} images" for name, count in images]
    assert steps(terminal.screen) == ["model loaded", *told, ""]
    assert "loading TensorFlow" in terminal.states
    for _, count in images:
        assert any(
            text.startswith(f"scoring  {count}/{count} images")
            for text in terminal.states
        )
    assert max(map(len, terminal.states)) < 80
    # The same words to a pipe are the same lines, and nothing else.
    piped = command_runs.done("evaluate", *words)
    assert "\r" not in piped.err
    assert steps(piped.err.split("\n")) == steps(terminal.screen)
    assert piped.out == ended.out


# What is read only where an export is named, and in place of the data here.
ELSEWHERE = {"variant", "data_dir", "labels", "list_dir", "images_on"}
# From the words, before any flag is parsed: a plug-in can add flags.
ELSEWHERE |= {"plugin"}


@pytest.mark.slow
@pytest.mark.parametrize("name", ["evaluate", "sweep", "predict"])
def test_flags_that_help_lists_are_read(folder, tmp_path, monkeypatch, name):
    usable, read = COMMANDS[name], set()
    original = flags.FlagValues.__getattr__

    def reading(self, flag):
        read.add(flag)
        return original(self, flag)

    monkeypatch.setattr(flags.FlagValues, "__getattr__", reading)
    command_runs.draw(tmp_path / "a.png")
    words = [f"--workdir={folder}", *[tmp_path / "a.png"] * (name == "predict")]
    command_runs.done(name, *words)
    assert {*usable.run, *usable.finished} - ELSEWHERE <= read


def in_a_terminal(words, columns=80):
    """Run Python in a terminal of its own: status, and all that it got."""
    ours, its = pty.openpty()
    size = struct.pack("HHHH", 24, columns, 0, 0)
    fcntl.ioctl(its, termios.TIOCSWINSZ, size)
    child = subprocess.Popen(
        [sys.executable, *words],
        cwd=command_runs.CHECKOUT,
        env={**os.environ, "PYTHONPATH": str(command_runs.CHECKOUT)},
        stdin=its,
        stdout=its,
        stderr=its,
        start_new_session=True,
    )
    os.close(its)
    found = b""
    # It ends as a terminal does: by an error, where nobody writes any more.
    with contextlib.suppress(OSError):
        while part := os.read(ours, 4096):
            found += part
    os.close(ours)
    return child.wait(), found.decode()


@pytest.mark.slow
def test_a_training_in_a_real_terminal(tmp_path):
    words = (f"--workdir={tmp_path / 'run'}", *command_runs.TINY, "--epochs=2")
    status, text = in_a_terminal(["-m", "elf_keras.train", *words])
    assert status == 0, text
    shown = terminals.Terminal()
    shown.write(text.replace("\r\n", "\n"))
    lines = [line for line in shown.screen if line.startswith("epoch ")]
    assert [line[:9] for line in lines] == ["epoch 1/2", "epoch 2/2"]
    assert all("  leaving " in line for line in lines)
    moving = [
        state
        for state in shown.states
        if re.match(r"epoch \d/2  step \d+/\d+  ", state)
    ]
    assert moving
    assert max(map(len, moving)) < 80
    assert "leave early" in moving[-1]
    assert not [line for line in shown.screen if "  step " in line]
