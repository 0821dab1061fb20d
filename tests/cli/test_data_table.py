"""The table of the data, in 80 columns whatever the names."""

import numpy as np
import pytest

from elf_keras.cli import data_table
from elf_keras.data import long_tail


def record(counts, names=None, **by_split):
    names = names or [f"class {n}" for n in range(len(counts))]
    groups = long_tail.shot_groups(counts)
    by_split = {"train": counts} | by_split
    return {
        "class_names": names,
        "class_counts": counts,
        "class_counts_by_split": by_split,
        "shot_groups": {
            group: [n for n, there in zip(names, mask, strict=True) if there]
            for group, mask in groups.items()
        },
        "images": {split: int(sum(each)) for split, each in by_split.items()},
    }


def test_every_class_with_its_group_and_splits():
    lines = data_table.of(
        record([5, 200, 50], ["few", "many", "mid"], test=[3, 0, 1])
    ).splitlines()
    assert lines[0] == "3 classes, 259 images: 255 train, 4 test"
    assert lines[1:4] == [
        "many        1 classes       200 images",
        "medium      1 classes        50 images",
        "few         1 classes         5 images",
    ]
    assert [line.split() for line in lines[6:]] == [
        ["many", "many", "200", "–", "0"],
        ["mid", "medium", "50", "–", "1"],
        ["few", "few", "5", "–", "3"],
    ]


def test_of_many_classes_the_ends():
    counts = np.arange(1000, 0, -1)
    lines = data_table.of(record(counts)).splitlines()
    shown = [line.split()[1] for line in lines[6:]]
    ends = [*map(str, [*range(5), *range(995, 1000)])]
    assert shown == [*ends[:5], "990", *ends[5:]]
    assert "990 classes between, of 995 to 6 training images" in lines[11]


@pytest.mark.parametrize("letter", ["a", "字", "e\u0301"])
def test_columns_stand_below_each_other_whatever_the_names(letter):
    counts = [1_000_000, 10_000]
    names = [letter * 60, letter]
    table = data_table.of(record(counts, names, validation=counts, test=counts))
    widths = [_width(line) for line in table.splitlines()]
    assert set(widths[5:]) == {78}
    assert max(widths) <= 80
    assert letter * 15 + "…" in table


def _width(line):
    """Places in a terminal, by hand for these letters."""
    return len(line) + line.count("字") - line.count("\u0301")
