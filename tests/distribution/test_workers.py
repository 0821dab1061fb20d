"""What a worker says of the others, where no second process is needed."""

import pytest
import tensorflow as tf

from elf_keras.distribution import workers
from elf_keras.errors import WorkerLostError


class Agreement:
    """In place of the check: each call succeeds or fails as told."""

    def __init__(self, *failures):
        self.failures = list(failures)

    def __call__(self, strategy, *facts):
        if failure := self.failures.pop(0):
            raise failure


def gone():
    return tf.errors.UnavailableError(None, None, "Connection refused")


@pytest.fixture
def strategy(monkeypatch):
    monkeypatch.setattr(workers, "is_several", lambda strategy: True)
    return tf.distribute.get_strategy()


def test_an_end_that_others_did_not_wait_for_is_no_loss(monkeypatch, strategy):
    agreement = Agreement(None, gone())
    monkeypatch.setattr(workers, "check_agreement", agreement)
    workers.leave_together(strategy)
    assert agreement.failures == []


def test_a_worker_lost_before_it_was_done_is_one(monkeypatch, strategy):
    monkeypatch.setattr(workers, "check_agreement", Agreement(gone()))
    with pytest.raises(WorkerLostError, match="start all of them again"):
        workers.leave_together(strategy)


def test_one_worker_leaves_at_once():
    workers.leave_together(tf.distribute.get_strategy())
