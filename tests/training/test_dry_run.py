"""`train --dry_run`: a table and status 0, or one line and status 2."""

import command_runs
import photo_folders
import pytest

from elf_keras.training import dry_run, exits_cost

SMALL = (
    "--dry_run",
    "--backbone=resnet8",
    "--exits=none",
    "--method=single",
    "--image_size=16",
    "--batch_size=4",
    "--validation_fraction=0.2",
    "--augmentation=resized_crop",
)


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(dry_run.measure, "__kwdefaults__", {"seconds": 0.1})


@pytest.fixture
def photos(tmp_path):
    for label in "ab":
        for index in range(6):
            name = f"photos/train/{label}/{index}.jpg"
            photo_folders.save(tmp_path / name, photo_folders.smooth(index))
    return tmp_path / "photos"


def folder(photos, *more):
    place = (f"--data_dir={photos}", "--dataset=folder", "--images_on=disk")
    return (*SMALL, *place, *more)


@pytest.mark.slow
def test_table(photos, tmp_path):
    before = command_runs.content(tmp_path)
    workdir = f"--workdir={tmp_path / 'run'}"
    ended = command_runs.done("train", *folder(photos, workdir, "--epochs=90"))
    expected = (
        "note: 10 training images of 2 classes are few for random weights"
    )
    assert ended.err.startswith(expected)
    rows = dict(line.split("  ", 1) for line in ended.out.splitlines())
    rows = {what.strip(): figure.strip() for what, figure in rows.items()}
    assert rows["train"] == "10 images, all headers read, 10 decoded"
    assert rows["steps an epoch"] == "3"
    assert rows["pipeline"].endswith("images/s")
    assert "time of 90 epochs" in rows
    assert rows["memory so far, at most"].endswith("GiB")
    assert command_runs.content(tmp_path) == before


def dry(photos, *words):
    """Rows of a dry run with an early exit, of one epoch."""
    words = "--epochs=1", "--exits=1", "--method=sum", *words
    ended = command_runs.done("train", *folder(photos, *words))
    rows = dict(line.split("  ", 1) for line in ended.out.splitlines())
    return {what.strip(): figure.strip() for what, figure in rows.items()}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("part", "other"),
    [("exits first", "exits last"), ("exits last", "exits first")],
)
def test_the_exits_alone_are_in_the_time_of_all(photos, part, other):
    """A step of a net of this size takes milliseconds, 10^8 of them a day."""
    flag = part.replace(" ", "_")
    rows = dry(photos, f"--{flag}=100000000")
    assert other not in rows
    assert rows["time of 1 epoch"].endswith(" s")
    assert rows["training in all"] == rows[part]
    assert rows["scores after it"].endswith(" s")
    assert rows[part].endswith(" h")


@pytest.mark.slow
@pytest.mark.parametrize(("flag", "seconds"), [("first", 28), ("last", 24)])
def test_scores_are_of_the_start_too_and_of_training(
    photos, monkeypatch, flag, seconds
):
    """Two images of validation, ten of training, 2 s each; no test split.

    Where exits were trained first, validation is scored of the start, too.
    """
    cost = exits_cost.Cost(image=2.0, step=0.0)
    monkeypatch.setattr(exits_cost, "measure", lambda *_: cost)
    rows = dry(photos, f"--exits_{flag}=1")
    assert rows["scores after it"] == f"{seconds} s"
    found, unit = rows["all, with reading"].split()
    assert unit == "s" and float(found) > seconds


@pytest.mark.slow
def test_a_limit_of_time_holds_for_all_of_it(photos):
    rows = dry(photos, "--exits_first=100000000", "--most_minutes=1")
    assert "exits first" in rows
    found, unit = rows["training in all"].split()
    assert unit == "s" and float(found) <= 60


def test_a_photo_that_is_damaged_inside_is_found(photos):
    photo_folders.damage(photos / "train" / "b" / "3.jpg")
    ended = command_runs.refused(
        "train",
        *folder(photos, "--dry_run_images=0"),
        says=["1 images of", "train/b/3.jpg", "repair"],
    )
    assert ended.out == ""
