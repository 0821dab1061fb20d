"""Where a command's words go: closed, left by their reader, ASCII alone."""

import os
import shlex
import subprocess
import sys

import command_runs
import pytest

SCRIPT = """
import subprocess, sys
from elf_keras.cli import streams
streams.prepare(answers={answers})
opened = open({place!r}, "w")
assert opened.fileno() > 2, opened.fileno()
for number in range(3000):
    print("é 猫 \\udce9", "a line that fills a pipe", number)
    print("another", number, file=sys.stderr, flush=True)
subprocess.run("echo a child speaks; echo too >&2", shell=True, check=True)
sys.stdout.flush()
opened.write("to the end")
"""


def run(tmp_path, shell, *, answers=False, **environment):
    """Run a script that says much; its status and whether it came to its end.

    In `shell`, SCRIPT stands for the command.
    """
    place = tmp_path / "end"
    script = tmp_path / "script.py"
    script.write_text(SCRIPT.format(answers=answers, place=str(place)))
    words = shlex.join([sys.executable, str(script)])
    shown = subprocess.run(
        ["bash", "-c", shell.replace("SCRIPT", words)],
        env={**os.environ, "PYTHONPATH": str(command_runs.CHECKOUT)}
        | environment,
        capture_output=True,
        timeout=60,
    )
    return shown, place.exists() and place.read_text() == "to the end"


@pytest.mark.parametrize(
    "shell",
    [
        "SCRIPT 2>&1 | head -1; exit ${PIPESTATUS[0]}",
        "SCRIPT | head -1; exit ${PIPESTATUS[0]}",
        "SCRIPT 2> >(head -1)",
        *("SCRIPT 2>&-", "SCRIPT >&-", "SCRIPT 2>&1 1>&-"),
        *("SCRIPT <&- >&- 2>&-", "SCRIPT <&-", "SCRIPT 2>/dev/full"),
    ],
)
def test_words_that_cannot_be_told_end_nothing(tmp_path, shell):
    shown, ended = run(tmp_path, shell)
    assert (shown.returncode, ended) == (0, True), shown.stderr
    assert b"Traceback" not in shown.stderr


def test_a_command_of_answers_ends_with_their_reader(tmp_path):
    shell = "SCRIPT 2>/dev/null | head -1; exit ${PIPESTATUS[0]}"
    shown, ended = run(tmp_path, shell, answers=True)
    assert shown.stdout.count(b"\n") == 1
    assert not ended


@pytest.mark.parametrize("answers", [False, True])
@pytest.mark.parametrize(
    ("coding", "line"),
    [
        ("ascii", rb"\xe9 \u732b \udce9 a line"),
        ("latin-1", b"\xe9 \\u732b \\udce9 a line"),
        ("utf-8", "é 猫 \\udce9 a line".encode()),
    ],
)
def test_what_a_terminal_cannot_show_is_escaped(
    tmp_path, coding, line, answers
):
    options = {"answers": answers, "PYTHONIOENCODING": coding}
    shown, ended = run(tmp_path, "SCRIPT", **options)
    assert (shown.returncode, ended) == (0, True), shown.stderr
    assert shown.stdout.startswith(line)
