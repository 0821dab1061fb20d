"""Data that flags name, and thresholds as they write them."""

import re

import command_runs
import pytest
from made_splits import made

from elf_keras.cli import answer_from_flags, data_from_flags


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
            answer_from_flags.exit_thresholds(classes, 3).number,
            answer_from_flags.score_scale(),
        )
    assert found == pytest.approx(expected)


def test_the_table_of_labels_on_the_page(tmp_path):
    page = command_runs.CHECKOUT / "docs" / "how-to" / "own_images.md"
    text = page.read_text(encoding="utf-8")
    (table,) = re.findall(r"```text\n(path,label.*?)```", text, re.S)
    (tmp_path / "labels.csv").write_text(table)
    names = [line.split(",")[0] for line in table.splitlines()[1:]]
    for name in names:
        command_runs.draw(tmp_path / "photos" / name)
    with command_runs.fresh_flags(
        *(
            "--workdir=",
            "--dataset=folder",
            f"--data_dir={tmp_path / 'photos'}",
        ),
        f"--labels={tmp_path / 'labels.csv'}",
    ):
        loaded = data_from_flags.splits()
    assert loaded.class_names == ("cat", "dog")
    assert loaded.test.names == (names[-1],)
    assert loaded.class_counts.sum() == len(names) - 1
    assert not loaded.left_out


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("--dataset=folder", True),
        ("--dataset=folder --weights=imagenet", False),
        ("--dataset=folder --backbone=mine.keras", False),
        ("--dataset=digits_lt", False),
    ],
)
def test_few_photos_and_fresh_weights(words, told, capsys):
    with command_runs.fresh_flags("--workdir=", *words.split()):
        data_from_flags.say_if_few(made())
    err = capsys.readouterr().err
    assert ("--recipe=photos" in err and "random weights" in err) == told
