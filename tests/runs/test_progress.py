"""The progress line: rewritten in place, 80 columns, on terminals alone."""

import contextlib
import io
import itertools
import sys

import pytest
import terminals

from elf_keras.runs import progress


@pytest.fixture
def clock(monkeypatch):
    """A clock that goes on by a second whenever it is asked."""
    ticks = itertools.count()
    for name in ("monotonic", "perf_counter"):
        monkeypatch.setattr(progress.time, name, lambda: float(next(ticks)))


@pytest.fixture
def terminal(monkeypatch):
    """A terminal of 80 columns."""
    monkeypatch.setenv("COLUMNS", "80")
    return terminals.Terminal()


def test_the_line_is_rewritten_and_gives_way_to_whole_lines(terminal):
    with terminal.attached():
        progress.show("a long text that comes first")
        progress.show("short")
        print("a note", file=sys.stderr)
        progress.show("again")
        print("a table")
        progress.show("left over")
        assert terminal.screen[-1] == "left over"
    assert terminal.screen == ["a note", "a table", ""]
    assert terminal.states == [
        *("a long text that comes first", "short", "a note"),
        *("again", "a table", "left over"),
    ]


def test_an_error_leaves_an_empty_line(terminal):
    with pytest.raises(ZeroDivisionError), terminal.attached():
        progress.show("far")
        _ = 1 / 0
    assert terminal.screen == [""]
    progress.show("nobody asked for it")
    assert terminal.screen == [""]


@pytest.mark.parametrize(
    ("columns", "shown"),
    [
        ("80", f"{'a' * 40}  {'b' * 30}  1234"),
        ("200", f"{'a' * 40}  {'b' * 30}  1234"),
        ("74", f"{'a' * 40}  {'b' * 30}"),
        ("41", "a" * 40),
        ("40", "a" * 39),
    ],
)
def test_only_what_fits_is_shown(terminal, monkeypatch, columns, shown):
    monkeypatch.setenv("COLUMNS", columns)
    with terminal.attached():
        progress.show("a" * 40, "b" * 30, "", "1234")
        assert terminal.screen == [shown]
    assert len(shown) < min(int(columns), 80)


def test_nothing_where_standard_error_is_no_terminal(clock):
    piped = io.StringIO()
    before = sys.stdout
    with contextlib.redirect_stderr(piped), progress.on_terminal():
        assert sys.stderr is piped and sys.stdout is before
        assert not progress.is_shown()
        progress.show("text")
        assert [*progress.counted("abc", "letters", 3)] == ["a", "b", "c"]
    assert piped.getvalue() == ""


def test_what_is_done_is_counted_with_the_time_left(terminal, clock):
    with terminal.attached():
        counter = progress.Counter("scoring", 2000)
        counter.add(500)
        # Two of the clock's seconds for a quarter.
        assert terminal.screen == ["scoring  500/2,000 images  6 s left"]
        counter.add(1500)
        assert terminal.screen[0].startswith("scoring  2,000/2,000 images  0 s")
        assert [*progress.counted("ab", "letters", 2, "letters")] == ["a", "b"]
        assert terminal.states[-1].startswith("letters  2/2 letters")
        assert terminal.screen == [""]


def test_the_line_moves_at_most_five_times_a_second(terminal, monkeypatch):
    times = iter([0.05, 0.1, 0.15, 0.21, 0.21, 0.3])
    with terminal.attached():
        monkeypatch.setattr(progress.time, "monotonic", lambda: 0.0)
        progress.show("begun")
        monkeypatch.setattr(progress.time, "monotonic", lambda: next(times))
        counter = progress.Counter("reading", 5, "files")
        for _ in range(5):
            counter.add()
    assert len(terminal.states) == 2
    assert terminal.states[-1].startswith("reading  4/5 files")


@pytest.mark.parametrize(
    ("done", "total", "seconds", "text"),
    [
        (0, 10, 5.0, ""),
        (1, 10, 0.5, ""),
        (1, 4, 5.0, "15 s left"),
        (10, 10, 5.0, "0 s left"),
        (12, 10, 5.0, "0 s left"),
    ],
)
def test_time_left_at_the_speed_so_far(done, total, seconds, text):
    assert progress.time_left(done, total, seconds) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(5, "5 s"), (89, "89 s"), (600, "10 min"), (9000, "2.5 h")],
)
def test_durations(seconds, text):
    assert progress.duration(seconds) == text


def test_steps_are_whole_lines_with_their_seconds(clock):
    told = []
    steps = progress.Steps(told.append)
    steps.ended("first")
    steps.ended("second")
    assert told == ["  1.0 s  first", "  1.0 s  second"]
