"""Whole commands over images on disk."""

import json

import command_runs
import numpy as np
import photo_folders
import pytest

from elf_keras import runs
from elf_keras.data.sources import published

SMALL = (
    *(*command_runs.TINY, "--method=har", "--epochs=1", "--image_size=16"),
    *("--augmentation=resized_crop", "--flip", "--color_jitter=0.4"),
    *("--batch_size=8", "--check_counts=false"),
)


def made(root, name):
    photo_folders.published(root / name, published.SETS[name].lists, (9, 5, 3))
    return f"--dataset={name}", f"--data_dir={root / name}"


@pytest.mark.slow
@pytest.mark.parametrize("name", ["imagenet_lt", "places_lt", "inat18"])
def test_a_published_layout_trains_evaluates_and_predicts(tmp_path, name):
    workdir = f"--workdir={tmp_path / 'run'}"
    more = ("--sampler=progressive", "--mixing=mixup")
    words = (*made(tmp_path, name), *SMALL, *more)
    command_runs.done("train", workdir, *words)
    record = json.loads((tmp_path / "run" / runs.RECORD).read_text())
    assert record["data"]["class_counts"] == [9, 5, 3]
    assert record["data"]["class_names"] == ["n0000", "n0001", "n0002"]
    command_runs.done("evaluate", workdir, "--split=test")
    photo = tmp_path / name / "test" / "n0000" / "0.JPEG"
    ended = command_runs.done("predict", workdir, photo)
    assert json.loads(ended.out)["class"] in record["data"]["class_names"]


@pytest.mark.slow
def test_photos_that_are_damaged_inside_are_told_and_listed(tmp_path):
    words = made(tmp_path, "inat18")
    places = ["train/n0000/3.JPEG", "test/n0001/1.JPEG"]
    for place in places:
        photo_folders.damage(tmp_path / "inat18" / place)
    workdir = f"--workdir={tmp_path / 'run'}"
    ended = command_runs.done("train", workdir, *words, *SMALL)
    notes = [x for x in ended.err.splitlines() if "taken as black" in x]
    # One at the end of the epoch, one at the end of all.
    for note, place in zip(notes, places, strict=True):
        assert note.startswith("note: damaged images, taken as black: 1")
        assert place in note
    record = json.loads((tmp_path / "run" / runs.RECORD).read_text())
    assert [*record["data"]["damaged"]] == places
    ended = command_runs.done("evaluate", workdir, "--split=test")
    assert places[1] in ended.err


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--sampler=fair"], ["--sampler=fair", "class_balanced"]),
        (["--mixing=stir"], ["--mixing=stir", "cutmix"]),
        (["--mixup_alpha=0.04"], ["--mixup_alpha=0.04"]),
        (["--color_jitter=1"], ["--color_jitter=1"]),
        (["--images_on=tape"], ["--images_on=tape", "disk"]),
        (["--augmentation=randaugment"], ["1 channel", "crop"]),
        (["--auto_augment=autoaugment"], ["1 channel", "none"]),
        (["--randaugment_magnitude=11"], ["--randaugment_magnitude=11"]),
        (["--cutout=-1"], ["--cutout=-1"]),
        (["--cutout=9"], ["--cutout=9", "8 pixels"]),
        (["--dataset=inat18"], ["--data_dir", "iNaturalist18_train.txt"]),
        (["--dataset=inat18", "--data_dir=no_such"], ["no_such"]),
        (["--dry_run_images=-1"], ["--dry_run_images=-1"]),
    ],
    ids=lambda value: " ".join(value),
)
def test_wrong_flags(tmp_path, words, says):
    workdir = tmp_path / "run"
    command_runs.refused(
        "train", f"--workdir={workdir}", "--backbone=resnet8", *words, says=says
    )
    assert not workdir.exists()


@pytest.mark.slow
def test_samplers_and_mixing_train_on_images_in_memory(tmp_path):
    words = ("--sampler=square_root", "--mixing=cutmix", "--epochs=1")
    words += (f"--workdir={tmp_path / 'run'}", "--augmentation=resized_crop")
    command_runs.done("train", *command_runs.TINY, *words)
    record = json.loads((tmp_path / "run" / runs.METRICS).read_text())
    assert np.isfinite(record["test"]["last"]["static"]["accuracy"])
