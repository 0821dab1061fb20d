"""What `train` says and records where the run is not the plain one."""

import functools
import json
import os
import signal

import command_runs
import pytest

from elf_keras import runs, train


def photos(folder):
    """90 readable photos and a corrupt one, in two classes, and a test."""
    for split, count in (("train", 45), ("test", 5)):
        for bright, name in ((0, "cat"), (150, "dog")):
            for index in range(count):
                path = folder / split / name / f"{index}.png"
                size = (10 + index % 3, 9)
                command_runs.draw(path, bright + index, size)
    (folder / "train" / "cat" / "broken.png").write_bytes(b"\x89PNG no image")
    return folder


@pytest.mark.slow
def test_a_corrupt_photo_among_good_ones_is_skipped_counted_and_listed(
    tmp_path,
):
    folder = tmp_path / "run"
    ended = command_runs.done(
        *("train", f"--workdir={folder}", "--dataset=folder"),
        f"--data_dir={photos(tmp_path / 'photos')}",
        *("--image_size=8", "--backbone=resnet8", "--method=single"),
        *("--epochs=1", "--validation_fraction=0"),
    )
    (note,) = [line for line in ended.err.splitlines() if "damaged" in line]
    assert note.startswith("note: 1 left out, damaged: ")
    assert "train/cat/broken.png" in note
    data = json.loads((folder / runs.RECORD).read_text())["data"]
    assert data["skipped"] == ["train/cat/broken.png"]
    assert data["class_counts"] == [45, 45]
    found = json.loads((folder / runs.METRICS).read_text())
    assert set(found) == {"train", "test"}
    assert set(found["test"]) == {"last"}


@pytest.mark.slow
@pytest.mark.parametrize(("side", "batch"), [(8, 437), (16, 437), (8, 219)])
def test_two_replicas_and_a_last_batch_of_one_image(tmp_path, side, batch):
    """438 training images: the last of 2 batches has 1, or 219."""
    process = command_runs.child(
        *("-c", command_runs.TRAIN_ON_TWO, f"--workdir={tmp_path / 'run'}"),
        *(*command_runs.TINY, "--strategy=mirrored", f"--image_size={side}"),
        *("--validation_fraction=0", "--epochs=1", f"--batch_size={batch}"),
    )
    ended = command_runs.ended(process)
    assert ended.status == 0, ended.err[-2000:]
    record = json.loads((tmp_path / "run" / runs.RECORD).read_text())
    assert record["data"]["images"]["train"] == 438
    assert len(record["devices"]) == 2


@pytest.mark.slow
def test_fewer_images_in_a_batch_than_replicas_is_found_first(tmp_path):
    process = command_runs.child(
        *("-c", command_runs.TRAIN_ON_TWO, f"--workdir={tmp_path / 'run'}"),
        *(*command_runs.TINY, "--strategy=mirrored", "--batch_size=1"),
    )
    ended = command_runs.ended(process)
    assert ended.status == 2, ended.err[-2000:]
    assert "--batch_size=1 for 2 replicas" in ended.errors[-1]
    assert not (tmp_path / "run").exists()


@pytest.mark.slow
def test_the_best_epoch_is_chosen_for_the_deployment_that_is_scored(tmp_path):
    """design.md, section 3: the best epoch uses --deployment_prior too."""
    folder = tmp_path / "run"
    words = (*command_runs.TINY, "--epochs=3", "--deployment_prior=train")
    command_runs.done("train", f"--workdir={folder}", *words)
    last = command_runs.rows(folder / "history.csv")[-1]
    found = json.loads((folder / runs.METRICS).read_text())["validation"]
    scored = found["last"]["static"]["accuracy"]
    assert float(last["validation_accuracy"]) == pytest.approx(scored)


def test_sigterm_while_the_data_are_read(tmp_path, monkeypatch):
    told_to_end = functools.partial(os.kill, os.getpid(), signal.SIGTERM)
    monkeypatch.setattr(train, "_data", told_to_end)
    ended = command_runs.run("train", f"--workdir={tmp_path / 'run'}")
    assert ended.status == 75
    assert ended.err == "stopped by SIGTERM; go on with --resume\n"
    assert not (tmp_path / "run").exists()
