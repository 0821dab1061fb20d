"""SIGTERM: an exception where it may be one, later where it may not."""

import os
import signal

import pytest

from elf_keras import preemption


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
    with preemption.watched():
        with pytest.raises(preemption.Preempted), preemption.held():
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
