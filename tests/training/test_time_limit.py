"""Minutes shared out to the parts of a training, reckoned by hand."""

import math

import numpy as np
import pytest

from elf_keras.data import splits
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
        "first": 200,
        "last": 300,
        "cost": Cost(image=0.01, step=0.05),
    }
    return time_limit.TimeLimit(seconds, **known | changes)


def test_the_exits_alone_get_a_quarter_of_the_time_each():
    """A quarter of 100 s, less 1 s of validation, less 200 steps: 14 s.

    Exits last: less 2 s and less 300 steps, 8 s.
    """
    found = limit(100.0)
    assert (found.first_images, found.last_images) == (1400, 800)
    assert found.first_seconds == pytest.approx(25.0)
    assert found.last_seconds == pytest.approx(25.0)


def test_where_there_is_time_they_see_all_images():
    found = limit(1000.0, images=2000)
    assert (found.first_images, found.last_images) == (2000, 2000)
    assert found.first_seconds == pytest.approx(20 + 1 + 10)
    assert found.last_seconds == pytest.approx(20 + 2 + 15)


def test_some_images_are_seen_however_short_the_time():
    assert limit(0.001).first_images == 640
    assert limit(0.001, images=12).first_images == 12


def test_without_exits_alone_all_time_is_for_the_epochs():
    found = limit(45.0, first=0, last=0, cost=FREE)
    assert (found.first_seconds, found.last_seconds) == (0.0, 0.0)
    assert found.first_images == 5000
    assert found.length(SPEED, 9, 0.0) == time_limit.Length(4, 1000)


@pytest.mark.parametrize(
    ("seconds", "wished", "epochs", "images"),
    [
        # An epoch takes 10 s and 1 s of validation; 20 s were spent before,
        # exits last take a quarter.
        (100.0, 9, 5, 1000),
        (100.0, 3, 3, 1000),
        (42.0, 9, 1, 1000),
        # 38 - 20 - 9.5 - 1 = 7.5 s: seven steps.
        (38.0, 9, 1, 700),
        (20.0, 9, 1, 100),
    ],
)
def test_epochs_get_what_is_left(seconds, wished, epochs, images):
    free = Cost(image=0.01, step=0.0)
    found = limit(seconds, images=10**9, cost=free)
    length = found.length(SPEED, wished, 20.0)
    assert length == time_limit.Length(epochs, images)


def test_without_a_limit_there_is_time_for_all():
    found = limit(math.inf)
    assert (found.first_images, found.last_images) == (5000, 5000)
    assert found.length(SPEED, 9, 1e9) == time_limit.Length(9, 1000)


def test_an_epoch_cut_short_shows_the_same_share_of_every_class():
    labels = np.repeat([0, 1, 2], [60, 30, 1]).astype("int32")
    examples = splits.Examples(
        np.zeros((91, 1, 1, 1), "uint8"), labels, tuple(map(str, range(91)))
    )
    part = time_limit.Length(1, 30).shown(examples, seed=3)
    # 30/91 of each, rounded up.
    assert np.bincount(part.labels).tolist() == [20, 10, 1]
    assert part.names == time_limit.Length(1, 30).shown(examples, 3).names
    assert part.names != time_limit.Length(1, 30).shown(examples, 4).names
    assert time_limit.Length(2, 91).shown(examples, 3) is examples
