"""Every row of the papers' tables starts, on made data of the right layout.

The networks are made small, an epoch is a step; the recipe's own backbone is
built by tests/experiments/test_experiments.py and trained by
tests/data/test_photos_224.py.
"""

import command_runs
import numpy as np
import photo_folders
import pytest

from elf_keras import data, runs
from elf_keras.data import splits
from elf_keras.data.sources import published
from experiments import index

pytestmark = pytest.mark.slow
SMALL = (
    *("--backbone=resnet8", "--epochs=1", "--batch_size=32"),
    *("--images_on=memory", "--check_counts=false"),
)
LARGE = ("imagenet_lt", "inat18")
COUNTS = (12, 6, 4)


def starts():
    """A cell of every row; rows that only differ in numbers are one.

    Of rows that have several, another column each time: so that each data set
    is met.
    """
    seen = {}
    for table in index.tables():
        for row in table["rows"]:
            cells = index.cells_of(table, row)
            cells = [cell for cell in cells if cell["paper"] is not None]
            cell = cells[len(seen) % len(cells)]
            folder, _, recipe = cell["recipe"].partition("/")
            flags = row.get("flags", "").split()
            key = (folder in LARGE, recipe, *map(_kind, flags))
            kept = [f for f in cell["flags"] if "=densenet" not in f]
            seen.setdefault(key, {**cell, "flags": kept})
    return list(seen.values())


def _kind(flag):
    # A place in the network is no mere number.
    return flag if flag.startswith("--exits=") else flag.partition("=")[0]


STARTS = starts()


@pytest.fixture(scope="module")
def places(tmp_path_factory):
    root = tmp_path_factory.mktemp("published")
    for name in LARGE:
        lists = published.SETS[name].lists
        photo_folders.published(root / name, lists, COUNTS)
    return root


def made_cifar(request):
    labels = np.repeat(np.arange(3, dtype="int32"), COUNTS)
    random = np.random.default_rng(0)
    images = random.integers(256, size=(len(labels), 16, 16, 3))
    part = splits.Examples(images.astype("uint8"), labels, ("",) * len(labels))
    return splits.Splits(part, part, part, ("a", "b", "c"), np.array(COUNTS))


@pytest.fixture(scope="module")
def first_stage(tmp_path_factory):
    """Train by these words, and return the model; the same words once."""
    root, seen = tmp_path_factory.mktemp("first"), {}

    def trained(*words):
        folder = seen.setdefault(words, root / str(len(seen)))
        if not folder.exists():
            command_runs.done("train", *words, f"--workdir={folder}")
        return folder / runs.MODEL

    return trained


@pytest.mark.parametrize(
    "cell", STARTS, ids=[" ".join(index.command(cell)) for cell in STARTS]
)
def test_a_row_starts_with_one_command(
    cell, places, first_stage, tmp_path, monkeypatch
):
    monkeypatch.chdir(command_runs.CHECKOUT)
    for name in ("cifar10_lt", "cifar100_lt"):
        monkeypatch.setitem(data.SOURCES, name, made_cifar)
    words = [*index.command(cell), *SMALL]
    folder = cell["recipe"].partition("/")[0]
    if folder in LARGE:
        words += [f"--data_dir={places / folder}", "--image_size=16"]
    if "--exits=4" in words:
        # The small network has three.
        words += ["--backbone=resnet50", "--image_size=32"]
    with command_runs.fresh_flags("--workdir=x", *words) as flags:
        needs_run = flags.second_stage != "none"
        shared = [f"--exit_loss={flags.exit_loss}", f"--method={flags.method}"]
    if needs_run:
        first = [word for word in words if not word.startswith("--flagfile")]
        dataset = f"--dataset={folder}"
        source = first_stage(dataset, *shared, *first, "--imbalance=100")
        words += [f"--weights={source}"]
    command_runs.done("train", *words, f"--workdir={tmp_path / 'run'}")
    record = runs.read_json(tmp_path / "run" / runs.METRICS)
    assert 0 <= record["test"]["last"]["static"]["accuracy"] <= 1
    assert (tmp_path / "run" / runs.MODEL).exists()
