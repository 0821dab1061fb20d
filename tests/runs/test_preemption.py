"""SIGTERM: an exception where it may be one, later where it may not."""

import os
import signal
import sys
import threading

import pytest

from elf_keras.runs import preemption


def arrive():
    os.kill(os.getpid(), signal.SIGTERM)


def test_it_is_an_exit_with_a_status_that_means_try_again():
    with preemption.watched(), pytest.raises(SystemExit) as caught:
        arrive()
    assert caught.value.code == os.EX_TEMPFAIL


def test_no_ordinary_handler_swallows_it():
    with preemption.watched(), pytest.raises(preemption.Preempted):
        try:
            arrive()
        except Exception:  # as in libraries
            pytest.fail("swallowed")


def test_what_is_held_ends_first():
    done = []
    ended = pytest.raises(preemption.Preempted)
    with preemption.watched(), ended, preemption.held():
        with preemption.held():
            arrive()
            done.append("inner")
        done.append("outer")
    assert done == ["inner", "outer"]


def test_a_step_ends_first():
    with preemption.watched():
        preemption.hold()
        arrive()
        with pytest.raises(preemption.Preempted):
            preemption.let_go()


def test_one_that_was_lost_is_remembered():
    """As an exception in a destructor, which Python only prints."""
    with preemption.watched():
        with pytest.raises(preemption.Preempted):
            arrive()
        with pytest.raises(preemption.Preempted):
            preemption.let_go()


def test_without_it_nothing_happens_and_the_handler_is_put_back():
    before = signal.getsignal(signal.SIGTERM)
    with preemption.watched():
        with preemption.held():
            pass
        preemption.let_go()
        assert signal.getsignal(signal.SIGTERM) != before
    assert signal.getsignal(signal.SIGTERM) == before


def test_a_signal_does_not_end_the_next_run():
    with pytest.raises(preemption.Preempted), preemption.watched():
        arrive()
    preemption.let_go()


CHILD = """
import signal, sys, time
def save(*_):
    print("saved", flush=True)
    sys.exit(STATUS)
signal.signal(signal.SIGTERM, save)
print("ready", flush=True)
signal.pause()
"""


def child(tmp_path, code):
    with (tmp_path / "log").open("w") as log:
        return preemption.run_child([sys.executable, "-c", code], stdout=log)


@pytest.mark.parametrize("status", [0, 3, 75])
def test_a_child_is_told_and_waited_for(tmp_path, status):
    """A thread tells this process as soon as the child is ready."""
    log = tmp_path / "log"

    def tell():
        while "ready\n" not in (log.read_text() if log.exists() else ""):
            pass
        arrive()

    code = CHILD.replace("STATUS", str(status))
    with preemption.watched(), pytest.raises(preemption.Preempted):
        teller = threading.Thread(target=tell)
        teller.start()
        try:
            child(tmp_path, code)
        finally:
            teller.join()
    assert log.read_text() == "ready\nsaved\n"


def test_the_status_of_a_child(tmp_path):
    assert child(tmp_path, "") == 0
    assert child(tmp_path, "import sys; sys.exit(2)") == 2
    with pytest.raises(preemption.Preempted):
        child(tmp_path, "import sys; sys.exit(75)")
