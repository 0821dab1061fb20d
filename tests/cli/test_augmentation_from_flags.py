"""What flags do to training images, and what they may not."""

import dataclasses

import command_runs
import numpy as np
import pytest
from made_splits import made

from elf_keras.cli import augmentation_from_flags, schedule_from_flags
from elf_keras.data import augment, auto_augment, cutout, mixing
from elf_keras.errors import InputError


@pytest.mark.parametrize(
    ("words", "side", "expected"),
    [
        ([], 32, augment.Augmentation(4, False)),
        (["--flip"], 8, augment.Augmentation(1, True)),
        (["--flip"], 4, augment.Augmentation(1, True)),
        (["--augmentation=none", "--flip"], 32, augment.Augmentation(0, True)),
        (["--augmentation=none"], 32, augment.NOTHING),
    ],
)
def test_augmentation(words, side, expected):
    with command_runs.fresh_flags("--workdir=", "--batch_size=7", *words):
        batches = schedule_from_flags.batches(made(side))
    assert batches.augmentation == expected
    assert (batches.size, batches.seed) == (7, 0)


def augmentation(data, *words):
    with command_runs.fresh_flags("--workdir=", *words):
        return augmentation_from_flags.augmentation(data)


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["--auto_augment=autoaugment"], auto_augment.AutoAugment()),
        (["--auto_augment=randaugment"], auto_augment.RandAugment(2, 9)),
        (
            [
                "--auto_augment=randaugment",
                *("--randaugment_layers=3", "--randaugment_magnitude=5"),
            ],
            auto_augment.RandAugment(3, 5),
        ),
        # As recipes of before have it.
        (["--augmentation=randaugment"], auto_augment.RandAugment(2, 9)),
    ],
)
@pytest.mark.parametrize("side", [32, 160])
def test_operations_come_after_the_crop(words, side, expected):
    data = made(side, 3)
    found = augmentation(data, *words)
    assert found.each_image == (expected,)
    windows = side == 160 and words == ["--augmentation=randaugment"]
    assert found.resized == windows
    assert found.padding == (0 if windows else side // 8)


def test_cutout_comes_last_and_fills_with_the_mean_pixel():
    data = made(32, 3)
    words = "--cutout=16", "--auto_augment=randaugment"
    operations, hole = augmentation(data, *words).each_image
    assert operations == auto_augment.RandAugment()
    means = data.train.images.mean((0, 1, 2))
    assert hole == cutout.Cutout(16, tuple(np.round(means).astype(int)))
    assert hole.pixel[1] == 77


def test_published_means_fill_too():
    published = ((125.3, 123.0, 113.9), (63.0, 62.1, 66.7))
    data = dataclasses.replace(made(32, 3), published_pixels=published)
    (rule,) = augmentation(data, "--cutout=8").each_image
    assert rule == cutout.Cutout(8, (125, 123, 114))


@pytest.mark.parametrize("share_of", ["image", "batch"])
def test_mixing(share_of):
    words = "--mixing=cutmix", f"--mixing_lambda={share_of}"
    found = augmentation(made(32), *words, "--mixup_alpha=0.5").mixing
    assert found == mixing.Mixing("cutmix", 3, 0.5, share_of)


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ("--auto_augment=autoaugment", "1 channel"),
        (
            "--augmentation=randaugment",
            "augmentation=randaugment: the images",
        ),
        (
            "--augmentation=randaugment --auto_augment=autoaugment",
            "operations of one kind",
        ),
        ("--cutout=33", "images have 32 pixels; expected at most as much"),
    ],
)
def test_what_does_not_fit_is_refused(words, says):
    with pytest.raises(InputError, match=says):
        augmentation(made(32), *words.split())
