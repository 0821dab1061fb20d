"""Thresholds as flags write them, in classes of the data."""

import command_runs
import pytest

from elf_keras.cli import data_from_flags


@pytest.mark.parametrize(
    ("words", "classes", "expected"),
    [
        ([], 10, (0.9, 0.9, 1)),
        (["--train_threshold=0.8", "--exit_threshold=6/C"], 10, (0.8, 0.6, 1)),
        (["--exit_loss=ldam"], 10, (0.2, 0.2, 30)),
        (
            ["--exit_loss=ldam", "--exit_threshold=1.5/C", "--ldam_scale=20"],
            100,
            (0.02, 0.015, 20),
        ),
    ],
)
def test_thresholds_and_scale(words, classes, expected):
    with command_runs.fresh_flags("--workdir=", *words):
        found = (
            data_from_flags.train_threshold(classes),
            data_from_flags.exit_thresholds(classes, 3).number,
            data_from_flags.score_scale(),
        )
    assert found == pytest.approx(expected)
