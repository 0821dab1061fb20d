import pytest

from elf_keras.errors import InputError
from elf_keras.training import schedules


@pytest.fixture
def cifar():
    return schedules.step_decay_with_warmup(
        0.1, warmup_epochs=5, decay_epochs=(160, 180), decay_factor=0.01
    )


@pytest.mark.parametrize(
    ("epoch", "rate"),
    [
        (0, 0.02),
        (1, 0.04),
        (2, 0.06),
        (3, 0.08),
        (4, 0.1),
        (5, 0.1),
        (159, 0.1),
        (160, 0.001),
        (179, 0.001),
        (180, 0.00001),
        (199, 0.00001),
    ],
)
def test_schedule_of_the_papers_on_cifar(cifar, epoch, rate):
    assert cifar(epoch) == pytest.approx(rate)


def test_schedule_of_the_papers_on_imagenet():
    rate = schedules.step_decay_with_warmup(
        0.1, warmup_epochs=0, decay_epochs=[60, 80], decay_factor=0.1
    )
    assert [rate(e) for e in (0, 59, 60, 80)] == pytest.approx(
        [0.1, 0.1, 0.01, 0.001]
    )


def test_schedule_does_not_follow_a_list_that_changes_later():
    drops = [2]
    rate = schedules.step_decay_with_warmup(
        1.0, warmup_epochs=0, decay_epochs=drops, decay_factor=0.5
    )
    drops.append(0)
    assert rate(1) == 1.0


def test_two_drops_may_fall_together():
    rate = schedules.step_decay_with_warmup(
        1.0, warmup_epochs=0, decay_epochs=(1, 1), decay_factor=0.5
    )
    assert [rate(0), rate(1)] == [1.0, 0.25]


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"learning_rate": -0.1}, "positive"),
        ({"decay_factor": 0.0}, "positive"),
        ({"warmup_epochs": -1}, "count from 0"),
        ({"decay_epochs": (-2, 5)}, "count from 0"),
        ({"decay_epochs": (180, 160)}, r"\[160, 180\]"),
    ],
)
def test_bad_arguments_are_refused(wrong, message):
    arguments = {
        "learning_rate": 0.1,
        "warmup_epochs": 5,
        "decay_epochs": (160, 180),
        "decay_factor": 0.01,
    }
    with pytest.raises(InputError, match=message):
        schedules.step_decay_with_warmup(**{**arguments, **wrong})


@pytest.mark.parametrize(
    ("epoch", "epochs", "full", "expected"),
    [
        (160, 30, 200, 24),
        (180, 30, 200, 27),
        (160, 24, 200, 19),  # 19.2
        (180, 24, 200, 22),  # 21.6
        (160, 200, 200, 160),
        (60, 200, 100, 120),
        (1, 5, 2, 3),  # 2.5: halves go up, never to the nearest even
        (160, 1, 200, 1),
        (0, 30, 200, 1),
    ],
)
def test_scaled_epochs(epoch, epochs, full, expected):
    scaled = schedules.scaled(epoch, epochs=epochs, full_epochs=full)
    assert scaled == expected
    assert isinstance(scaled, int)


@pytest.mark.parametrize("wrong", [(-1, 30, 200), (160, 0, 200), (160, 30, 0)])
def test_schedules_without_epochs_are_refused(wrong):
    epoch, epochs, full = wrong
    with pytest.raises(InputError, match="at least"):
        schedules.scaled(epoch, epochs=epochs, full_epochs=full)


@pytest.mark.parametrize(
    ("epochs", "expected"),
    [(200, 5), (30, 5), (29, 4), (24, 4), (6, 1), (5, 0), (1, 0)],
)
def test_scaled_warmup(epochs, expected):
    assert schedules.scaled_warmup(epochs) == expected


def test_warmup_of_nothing_is_refused():
    with pytest.raises(InputError, match="at least 1"):
        schedules.scaled_warmup(0)
