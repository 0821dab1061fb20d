"""Minutes shared out to the parts of a training, reckoned by hand."""

import math

import pytest

from elf_keras.training import time_limit
from elf_keras.training.dry_run import Speed
from elf_keras.training.exits_cost import FREE, Cost

# 10 batches of 100 images, a second each: an epoch of 10 s.
SPEED = Speed(
    pipeline=math.inf, step=1.0, batch=100, images=1000, overlap=False
)


def limit(seconds, **changes):
    known = {
        "images": 5000,
        "validation": 100,
        "first_steps": 200,
        "last_steps": 300,
        "cost": Cost(image=0.01, step=0.05),
    }
    return time_limit.TimeLimit(seconds, **known | changes)


def test_the_exits_alone_get_a_quarter_of_the_time_each():
    """A quarter of 100 s less 1 s of validation is 0.4 of 50 s and 10 s.

    Exits last: less 2 s; 23/65 of 50 s and 15 s.
    """
    found = limit(100.0)
    assert found.first == time_limit.Alone(80, 2000)
    assert found.last == time_limit.Alone(106, 1769)
    assert found.first_seconds == pytest.approx(1 + 20 + 4)
    assert found.last_seconds == pytest.approx(2 + 17.69 + 5.3)


def test_where_there_is_time_they_see_all_images():
    found = limit(1000.0, images=2000)
    assert found.first == time_limit.Alone(200, 2000)
    assert found.last == time_limit.Alone(300, 2000)
    assert found.first_seconds == pytest.approx(20 + 1 + 10)
    assert found.last_seconds == pytest.approx(20 + 2 + 15)


def test_some_images_are_seen_however_short_the_time():
    assert limit(0.001).first == time_limit.Alone(1, 500)
    assert limit(0.001, images=12).first == time_limit.Alone(1, 12)


@pytest.mark.parametrize(
    ("seconds", "validation", "scored"),
    [
        # 3 % of 1,000 s are 3,000 images; of 100 s 300, but at least 500.
        (1000.0, 20000, 3000),
        (1000.0, 2999, 2999),
        (100.0, 20000, 500),
        (100.0, 400, 400),
        (math.inf, 20000, 20000),
    ],
)
def test_a_part_of_a_large_validation_is_scored(seconds, validation, scored):
    assert limit(seconds, validation=validation).scored == scored


def test_a_large_validation_leaves_time_for_the_exits():
    """A quarter of 1,000 s less 30 s of validation; exits last less 60 s."""
    found = limit(1000.0, images=20000, validation=20000)
    assert found.first == time_limit.Alone(200, 20000)
    assert found.last == time_limit.Alone(int(190 / 215 * 300), 17674)
    # 1,000 - 240 - 250 s are 12 epochs of 10 and 30 s, and some of another.
    whole = found.length(SPEED, 20, found.first_seconds)
    assert whole == time_limit.Length(13, 9)


def test_without_exits_alone_all_time_is_for_the_epochs():
    found = limit(45.0, first_steps=0, last_steps=0, cost=FREE)
    assert (found.first_seconds, found.last_seconds) == (0.0, 0.0)
    assert found.first == time_limit.Alone(0, 5000)
    assert found.length(SPEED, 9, 0.0) == time_limit.Length(5, 9)


@pytest.mark.parametrize(
    ("seconds", "wished", "epochs", "steps"),
    [
        # An epoch takes 10 s and 1 s of validation; 20 s were spent before,
        # exits last take a quarter.
        (100.0, 5, 5, 10),
        (100.0, 3, 3, 10),
        # 100 - 20 - 25 = 55 s are five epochs; 50 s five of 9 s and 1 s.
        (100.0, 9, 5, 10),
        (93.5, 9, 5, 9),
        (42.0, 9, 2, 4),
        # 38 - 20 - 9.5 - 1 = 7.5 s.
        (38.0, 9, 1, 7),
        (20.0, 9, 1, 1),
    ],
)
def test_epochs_get_what_is_left(seconds, wished, epochs, steps):
    free = Cost(image=0.01, step=0.0)
    found = limit(seconds, images=10**9, cost=free)
    length = found.length(SPEED, wished, 20.0)
    assert length == time_limit.Length(epochs, steps)


def test_without_a_limit_there_is_time_for_all():
    found = limit(math.inf)
    assert found.first == time_limit.Alone(200, 5000)
    assert found.length(SPEED, 9, 1e9) == time_limit.Length(9, 10)
