import pytest

from elf_keras.errors import InputError
from elf_keras.training import schedules


@pytest.mark.parametrize(
    ("warmup", "drops", "factor", "rates"),
    [
        # The papers' on CIFAR, and on ImageNet.
        (
            5,
            (160, 180),
            0.01,
            {0: 0.02, 1: 0.04, 3: 0.08, 4: 0.1, 5: 0.1, 159: 0.1}
            | {160: 0.001, 179: 0.001, 180: 1e-5, 199: 1e-5},
        ),
        (0, [60, 80], 0.1, {0: 0.1, 59: 0.1, 60: 0.01, 80: 0.001}),
        # Two drops may fall together.
        (0, (1, 1), 0.5, {0: 0.1, 1: 0.025}),
    ],
)
def test_rates(warmup, drops, factor, rates):
    rate = schedules.step_decay_with_warmup(
        0.1, warmup_epochs=warmup, decay_epochs=drops, decay_factor=factor
    )
    assert {epoch: rate(epoch) for epoch in rates} == pytest.approx(rates)


def test_a_cosine_by_hand():
    rate = schedules.cosine(0.8, epochs=10, warmup_epochs=2)
    # Half way up; at the top; cos 60°, 90°, 180° of what is left.
    hand = {1: 0.4, 2: 0.8, 2 + 8 / 3: 0.6, 6: 0.4, 10: 0.0}
    assert {epoch: rate(epoch) for epoch in hand} == pytest.approx(hand)


def test_a_cosine_without_warmup_begins_at_the_top():
    rate = schedules.cosine(0.8, epochs=1, warmup_epochs=0)
    assert (rate(0), rate(0.5)) == pytest.approx((0.8, 0.4))


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"warmup_epochs": 3}, "cosine of 3"),
        ({"learning_rate": 0.0}, "positive"),
    ],
)
def test_a_cosine_without_room_is_refused(wrong, message):
    given = {"learning_rate": 0.1, "epochs": 3, "warmup_epochs": 0}
    with pytest.raises(InputError, match=message):
        schedules.cosine(**{**given, **wrong})


def test_schedule_does_not_follow_a_list_that_changes_later():
    drops = [2]
    rate = schedules.step_decay_with_warmup(
        1.0, warmup_epochs=0, decay_epochs=drops, decay_factor=0.5
    )
    drops.append(0)
    assert rate(1) == 1.0


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
    with pytest.raises(InputError, match="at least 1"):
        schedules.scaled_warmup(0)


@pytest.mark.parametrize(
    ("epochs", "expected"),
    [(200, 5), (30, 5), (29, 4), (24, 4), (6, 1), (5, 0), (1, 0)],
)
def test_scaled_warmup(epochs, expected):
    assert schedules.scaled_warmup(epochs) == expected
