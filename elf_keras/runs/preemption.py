"""SIGTERM, by which preemptible machines announce that they will be gone.

It becomes an exception wherever it may: between two steps of training at
once, within one when that step is done, so that weights and the place in the
epoch agree when they are saved.
"""

import contextlib
import signal
import subprocess
from collections.abc import Callable, Iterator, Sequence

# EX_TEMPFAIL of sysexits.h: start the same command again.
STATUS = 75


class Preempted(SystemExit):
    """This process was told to end; no `except Exception` may swallow it."""

    def __init__(self):
        super().__init__(STATUS)


class _Sigterm:
    asked = False
    held = False

    def arrive(self, *_):
        self.asked = True
        if not self.held:
            raise Preempted


_sigterm = _Sigterm()


@contextlib.contextmanager
def watched() -> Iterator[None]:
    """Within, SIGTERM raises `Preempted`; only the main thread may call."""
    before = signal.signal(signal.SIGTERM, _sigterm.arrive)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
        _sigterm.asked = _sigterm.held = False


def asked() -> bool:
    """Whether SIGTERM came and is put off."""
    return _sigterm.asked


def hold() -> None:
    """Put SIGTERM off until `let_go`."""
    _sigterm.held = True


def let_go() -> None:
    """End what `hold` began.

    Raises:
      Preempted: where SIGTERM came meanwhile, or was lost before.
    """
    _sigterm.held = False
    if _sigterm.asked:
        raise Preempted


@contextlib.contextmanager
def held() -> Iterator[None]:
    """Put SIGTERM off until the block, and any around it, has ended."""
    before, _sigterm.held = _sigterm.held, True
    try:
        yield
    finally:
        _sigterm.held = before
        if not before:
            let_go()


def run_child(
    words: Sequence[str],
    watch: Callable[[], None] = lambda: None,
    **options,
) -> int:
    """Run a command and return its status; it is told of SIGTERM, too.

    `watch` is called once a second while it runs.

    Raises:
      Preempted: where this process or the child was told to end, once the
        child has saved and ended.
    """
    with subprocess.Popen(words, **options) as child:
        try:
            status = _waited(child, watch)
        except Preempted:
            child.terminate()
            child.wait()
            raise
    if status == STATUS:
        raise Preempted
    return status


def _waited(child, watch):
    while True:
        try:
            return child.wait(timeout=1.0)
        except subprocess.TimeoutExpired:
            watch()
