"""How far a command is, in one line of a terminal that is rewritten in place.

Nothing is shown unless a command asks for it, and nothing where standard error
is no terminal: who pipes a command gets whole lines only.
"""

import contextlib
import os
import shutil
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator

# Columns at most; where a terminal is narrower, its own.
WIDTH = 80
# Seconds between two updates: fast enough to see it move.
PAUSE = 0.2
# Of a count, before the time that is left is told: a guess from less jumps.
_SETTLED = 1.0


class _Line:
    """The last line of a terminal, as long as nothing else is printed."""

    def __init__(self, stream):
        self.stream, self.length, self.last = stream, 0, 0.0
        self.lock = threading.RLock()

    def write(self, text: str) -> None:
        """Put a text in place of the last one."""
        with self.lock:
            blank = " " * (self.length - len(text))
            self.stream.write(f"\r{text}{blank}")
            self.stream.flush()
            self.length, self.last = len(text), time.monotonic()

    def clear(self) -> None:
        """Leave an empty line to whoever prints next."""
        with self.lock:
            if self.length:
                self.stream.write(f"\r{' ' * self.length}\r")
                self.stream.flush()
                self.length = 0


class _Above:
    """A standard stream whose text takes the place of the progress line."""

    def __init__(self, stream, line: _Line):
        self._stream, self._line = stream, line

    def write(self, text: str) -> int:
        """Write to the stream itself."""
        self._line.clear()
        return self._stream.write(text)

    def __getattr__(self, name):
        return getattr(self._stream, name)


class _Shown:
    line = None


@contextlib.contextmanager
def on_terminal() -> Iterator[None]:
    """Within, show progress on standard error where that is a terminal."""
    if not sys.stderr.isatty():
        yield
        return
    before = sys.stdout, sys.stderr
    line = _Shown.line = _Line(sys.stderr)
    sys.stdout, sys.stderr = (_Above(stream, line) for stream in before)
    try:
        yield
    finally:
        line.clear()
        _Shown.line = None
        sys.stdout, sys.stderr = before


def is_shown() -> bool:
    """Whether progress is shown: a command runs in a terminal."""
    return _Shown.line is not None


def due() -> bool:
    """Whether there is a line, and it may be rewritten again."""
    line = _Shown.line
    return line is not None and time.monotonic() - line.last >= PAUSE


def show(*parts: str) -> None:
    """Rewrite the line: the first part, and each further one that fits."""
    if (line := _Shown.line) is None:
        return
    # Text in the last column makes some terminals begin a new line.
    most = max(1, min(WIDTH, _columns(line.stream)) - 1)
    text = parts[0]
    for part in parts[1:]:
        if part and len(text) + 2 + len(part) <= most:
            text += f"  {part}"
    line.write(text[:most])


def clear() -> None:
    """Remove the line, as nothing is going on any more."""
    if _Shown.line is not None:
        _Shown.line.clear()


class Counter:
    """What is done of a known amount of work; may be shared by threads.

    Args:
      what: that is being done, such as `scoring`.
      total: of it.
      unit: what is counted, in the plural.
    """

    def __init__(self, what: str, total: int, unit: str = "images"):
        self.what, self.total, self.unit = what, total, unit
        self.done, self.began = 0, time.perf_counter()
        self._lock = threading.Lock()

    def add(self, count: int = 1) -> None:
        """Count what is done, and show it."""
        with self._lock:
            self.done += count
        if due():
            seconds = time.perf_counter() - self.began
            amount = f"{self.done:,}/{self.total:,} {self.unit}"
            show(self.what, amount, time_left(self.done, self.total, seconds))


def counted(
    items: Iterable, what: str, total: int, unit: str = "images"
) -> Iterator:
    """Yield the items, each one counted when the next is asked for."""
    counter = Counter(what, total, unit)
    for item in items:
        yield item
        counter.add()
    clear()


def time_left(done: float, total: float, seconds: float) -> str:
    """Say how long the rest takes at the speed so far; "" while unknown."""
    if not done or seconds < _SETTLED:
        return ""
    return f"{duration(seconds * max(total - done, 0) / done)} left"


def _columns(stream):
    try:
        found = os.get_terminal_size(stream.fileno()).columns
    except (OSError, ValueError):
        found = 0
    # A terminal that does not know its size says 0.
    return found or shutil.get_terminal_size((WIDTH, 24)).columns


def duration(seconds: float) -> str:
    """Seconds as text, in the unit that suits them."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    if seconds < 90 * 60:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"


class Steps:
    """The steps of a command, each told as a whole line when it has ended."""

    def __init__(self, tell: Callable[[str], None]):
        self._tell, self._began = tell, time.perf_counter()

    def ended(self, step: str) -> None:
        """Tell of a step, and how many seconds it took."""
        now = time.perf_counter()
        self._tell(f"{now - self._began:5.1f} s  {step}")
        self._began = now
