"""The schedule that flags ask for, and how it scales."""

import dataclasses

import command_runs
import numpy as np
import pytest
from made_splits import made

from elf_keras.cli import schedule_from_flags
from elf_keras.errors import InputError

SMALL = ("--workdir=", "--backbone=resnet8")


@pytest.mark.parametrize(
    ("weighting", "expected"),
    [
        ("none", [1, 1, 1]),
        # Inverse counts 1/3, 1/2, 1, and their square roots, times 3 / sum.
        ("inverse", [6 / 11, 9 / 11, 18 / 11]),
        (
            "inverse_square_root",
            3 * np.array([3**-0.5, 2**-0.5, 1]) / (3**-0.5 + 2**-0.5 + 1),
        ),
        # (1 - β) / (1 - β^n) with β = 1/2: 4/7, 2/3, 1.
        ("effective_number", 3 * np.array([4 / 7, 2 / 3, 1]) / (47 / 21)),
    ],
)
def test_class_weights(weighting, expected):
    words = (f"--class_weighting={weighting}", "--effective_number_beta=0.5")
    with command_runs.fresh_flags(*SMALL, *words):
        found = schedule_from_flags.schedule(made()).class_weights
    np.testing.assert_allclose(found, expected, rtol=1e-6)


PAPERS = "--schedule_epochs=200 --decay_epochs=160,180"


@pytest.mark.parametrize(
    ("words", "drops", "warmup", "reweight"),
    [
        ("200", (160, 180), 5, 160),
        (f"200 {PAPERS}", (160, 180), 5, 160),
        (f"30 {PAPERS}", (24, 27), 5, 24),
        (f"20 {PAPERS}", (16, 18), 3, 16),
        (f"5 {PAPERS}", (4, 5), 0, 4),
        (f"30 {PAPERS} --warmup_epochs=2", (24, 27), 2, 24),
        (f"30 {PAPERS} --reweight_epoch=0", (24, 27), 5, 0),
        ("30 --decay_epochs=10,20 --reweight_epoch=10", (10, 20), 5, 10),
        ("9 --decay_epochs= --warmup_epochs=0", (), 0, 160),
    ],
)
def test_the_schedule_scales_with_its_length(words, drops, warmup, reweight):
    words = f"--workdir= --epochs={words}".split()
    with command_runs.fresh_flags(*words):
        schedule = schedule_from_flags.schedule(made())
    rates = [schedule.learning_rate(epoch) for epoch in range(schedule.epochs)]
    for epoch, rate in enumerate(rates):
        warmth = min(1.0, (epoch + 1) / warmup) if warmup else 1.0
        passed = len([drop for drop in drops if drop <= epoch])
        assert rate == pytest.approx(0.1 * warmth * 0.01**passed)
    assert schedule.reweight_epoch == reweight


def test_a_cosine_of_200_epochs_by_hand():
    """Half way up; at the top; cos 60° and 90° of the 195 that are left."""
    words = "--epochs=200 --warmup_epochs=5 --learning_rate_schedule=cosine"
    with command_runs.fresh_flags("--workdir=", *words.split()):
        rate = schedule_from_flags.schedule(made()).learning_rate
    # The first step of 97 and the last, at their middle.
    first, last = 0.5 / 97, 200 - 0.5 / 97
    hand = {first: 0.1 * first / 5, 2.5: 0.05, 5: 0.1, 70: 0.075, 102.5: 0.05}
    assert {epoch: rate(epoch) for epoch in hand} == pytest.approx(hand)
    # Near its end a cosine is the square of what is left.
    angle = np.pi * 0.5 / 97 / 195
    assert rate(last) == pytest.approx(0.1 * angle**2 / 4, rel=1e-3)


@pytest.mark.parametrize("text", ["soon", "1.5", "160,", "180,160", "-3"])
def test_wrong_decay_epochs(text):
    with (
        command_runs.fresh_flags("--workdir=", f"--decay_epochs={text}"),
        pytest.raises(InputError),
    ):
        schedule_from_flags.schedule(made())


@pytest.mark.parametrize(
    ("images", "words", "passes", "steps", "epochs"),
    [
        # 400 steps in epochs of ten, the last of 4 images.
        (29, "--epochs=8 --least_steps=400", 10, 10, 40),
        (49, "--epochs=8 --least_steps=400", 6, 10, 40),
        # Two steps an epoch are what 200 epochs leave.
        (10, "--epochs=200 --least_steps=400", 4, 2, 200),
        # Long enough as they are, or not asked for.
        (607, "--epochs=8 --least_steps=400", 1, 19, 22),
        (2640, "--epochs=8 --least_steps=400", 1, 83, 8),
        (50, "--epochs=200 --least_steps=400", 1, 2, 200),
        (29, "--epochs=8", 1, 1, 8),
        (29, "--epochs=8 --least_steps=7", 1, 1, 8),
    ],
)
def test_few_images_make_epochs_of_ten_steps(
    images, words, passes, steps, epochs
):
    data = made()
    train = data.train.take(np.zeros(images, int))
    data = dataclasses.replace(data, train=train)
    words = ("--workdir=", "--batch_size=32", *words.split())
    with command_runs.fresh_flags(*words):
        length = schedule_from_flags.whole_length(data)
        batches = schedule_from_flags.batches(data)
    assert (length.passes, length.steps, length.epochs) == (
        *(passes, steps, epochs),
    )
    assert batches.steps(images) == steps
