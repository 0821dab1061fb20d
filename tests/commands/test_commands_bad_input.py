"""Wrong input: one clear line, status 2, no traceback, nothing lost.

Every line of that list is tried through the whole command. A mistake of ours
would come out of `command_runs.run` as the exception that it is.
"""

import os

import command_runs
import pytest

from elf_keras import runs

SMALL = ("--backbone=resnet8", "--exits=1", "--epochs=1")


def refused(folder, *words, says):
    words = (f"--workdir={folder}", *SMALL, *words)
    command_runs.refused("train", *words, says=says)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--exit_loss=l2"], ["--exit_loss=l2", "ldam"]),
        (["--dataset=mnist"], ["--dataset=mnist", "digits_lt"]),
        (["--backbone=vgg"], ["--backbone=vgg", "resnet32"]),
        (["--backbone=keras:Foo"], ["'keras:Foo'", "MobileNetV3Small"]),
        (["--backbone=resnet50", "--image_size=16"], ["16", "at least 32"]),
        (["--weights=imagenet"], ["imagenet", "resnet8", "model.keras"]),
        (["--weights=pretrained"], ["pretrained", "resnet8", "efficientnet"]),
        (["--weights=lite0.pth"], ["lite0.pth", "PyTorch", "pretrained"]),
        (["--weights=no.h5", "--backbone=densenet169"], ["no.h5"]),
        (["--epochs=-3"], ["--epochs=-3"]),
        (["--epochs=0"], ["--epochs=0"]),
        (["--epochs=many"], ["--epochs=many"]),
        (["--imbalance=0.5"], ["--imbalance=0.5"]),
        (["--imbalance=nan"], ["imbalance nan"]),
        (["--batch_size=0"], ["--batch_size=0"]),
        (["--validation_fraction=1"], ["--validation_fraction=1"]),
        (["--learning_rate=-1"], ["--learning_rate=-1"]),
        (["--learning_rate=nan"], ["nan", "positive"]),
        (["--learning_rat=0.1"], ["learning_rat"]),
        (["--seed=-1"], ["--seed=-1"]),
        (["--seed=4294967296"], ["4294967296"]),
        (["--decay_epochs=soon"], ["'soon'", "160,180"]),
        (["--decay_epochs=180,160"], ["[160, 180]"]),
        (["--exits=9"], ["'9'", "1, 2, 3"]),
        (["--exits=first"], ["'first'"]),
        (["--backbone=no.keras"], ["no.keras", "no such file"]),
        (["--taps=block_9"], ["'block_9'", "no such layer", "stem_conv"]),
        (["--head_filters=64:0"], ["64:0", "above 0"]),
        (["--head_filters=64,64"], ["2 pairs for 1 early exits"]),
        (["--flagfile=no_such.flags"], ["no_such.flags"]),
        (["photo.png"], ["photo.png", "--name=value"]),
        (["--weights=no_such.keras"], ["no_such.keras"]),
        (["--validation_group=prefix:_"], ["folder"]),
        (["--imbalance=100000"], ["no training image of"]),
        (["--image_size=1"], ["1", "--image_size"]),
        (["--image_size=0"], ["--image_size=0"]),
        (["--train_threshold=1.5"], ["'1.5'", "between 0 and 1"]),
        (["--train_threshold=0"], ["'0'", "between 0 and 1"]),
        (["--exit_threshold=1"], ["'1'", "between 0 and 1"]),
        (["--exit_threshold=nan"], ["'nan'", "between 0 and 1"]),
        (["--exit_threshold=2/K"], ["'2/K'", "1.5/C"]),
        (["--exit_loss=ldam", "--train_threshold=0.9"], ["0.9", "ldam", "0.2"]),
        (["--exit_loss=ldam", "--exit_threshold=5/C"], ["0.5", "ldam"]),
        (["--dataset=folder"], ["--data_dir"]),
        (["--dataset=folder", "--data_dir=no_such"], ["no_such"]),
    ],
    ids=lambda value: " ".join(value),
)
def test_wrong_flags(tmp_path, words, says):
    refused(tmp_path / "run", *words, says=says)
    assert not (tmp_path / "run").exists()


def test_no_workdir():
    command_runs.refused("train", *SMALL, says=["--workdir is missing"])
    for name in ("evaluate", "sweep", "export"):
        says = ["--workdir is missing: write --workdir=runs/d"]
        command_runs.refused(name, "runs/d", says=says)


@pytest.mark.parametrize(
    "content", [b"--epochs=3\n\xfc\x00\xff", b"--no_such_flag\n", None]
)
def test_a_flagfile_that_is_none(tmp_path, content):
    path = tmp_path
    if content:
        path = tmp_path / "recipe.flags"
        path.write_bytes(content)
    command_runs.refused("train", f"--flagfile={path}", says=[])


@pytest.fixture
def photos(tmp_path):
    """Two classes of three training and two test images."""
    folder = tmp_path / "photos"
    for split, count in (("train", 3), ("test", 2)):
        for value, name in ((20, "cat"), (180, "dog")):
            for index in range(count):
                command_runs.draw(folder / split / name / f"{index}.png", value)
    return folder


OWL = ("test/owl/0.png", None)
CORRUPT = ("train/cat/1.png", b"no image")
EMPTY = ("empty/note.txt", b"")


@pytest.mark.parametrize(
    ("spoilt", "words", "says"),
    [
        ([("train/owl/0.txt", b""), OWL], [], ["no training image of 'owl'"]),
        ([OWL], [], ["without training image", "'owl'"]),
        ([CORRUPT], [], ["1 of 10 images cannot be read", "cat/1.png"]),
        ([], ["--image_size=3"], ["too small", "at least 4"]),
        ([EMPTY], ["--data_dir={}/empty"], ["has no class folder"]),
    ],
    ids=["class", "split", "corrupt", "small", "empty"],
)
def test_photos_that_cannot_be_used(photos, spoilt, words, says):
    for name, content in spoilt:
        (photos / name).parent.mkdir(exist_ok=True)
        if content is None:
            command_runs.draw(photos / name)
        else:
            (photos / name).write_bytes(content)
    before = command_runs.content(photos.parent)
    given = ("--dataset=folder", f"--data_dir={photos}")
    more = (word.format(photos) for word in words)
    refused(photos.parent / "run", *given, *more, says=says)
    assert command_runs.content(photos.parent) == before


def test_no_data_and_no_network_says_how_to_get_them(tmp_path):
    (tmp_path / "data" / "cifar100").mkdir(parents=True)
    for name in ("cifar10", "cifar100"):
        words = (f"--dataset={name}_lt", f"--data_dir={tmp_path / 'data'}")
        says = [name, "--data_dir", "download"]
        refused(tmp_path / "run", *words, says=says)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("resume", [(), ("--resume",)])
@pytest.mark.parametrize("held", ["a run", "a thesis", "a half run"])
def test_a_folder_that_holds_something_stays_as_it_is(tmp_path, held, resume):
    folder = tmp_path / "run"
    folder.mkdir()
    if held != "a thesis":
        (folder / runs.FLAGS).write_text("--epochs=77\n")
    if held == "a run":
        (folder / runs.METRICS).write_text('{"test": {}}\n')
        (folder / runs.MODEL).write_bytes(b"weights")
    (folder / "notes.txt").write_text("mine")
    before = command_runs.content(tmp_path)
    refused(folder, *resume, says=["--workdir"])
    assert command_runs.content(tmp_path) == before


def test_a_work_folder_below_a_file(tmp_path):
    (tmp_path / "file").write_text("mine")
    refused(tmp_path / "file" / "run", says=["is a file"])
    assert (tmp_path / "file").read_text() == "mine"


@pytest.mark.skipif(
    getattr(os, "geteuid", lambda: 1)() == 0, reason="root may write anywhere"
)
def test_a_work_folder_that_may_not_be_written(tmp_path):
    tmp_path.chmod(0o500)
    refused(tmp_path / "run", says=["Permission"])
    tmp_path.chmod(0o700)


def test_a_real_process_ends_with_status_2(tmp_path):
    words = (f"--workdir={tmp_path / 'run'}", "--epochs=-1")
    process = command_runs.child("-m", "elf_keras.train", *words)
    ended = command_runs.ended(process)
    assert ended.status == 2
    assert ended.out == ""
    assert ended.err.splitlines() == ended.errors
    assert "--epochs=-1" in ended.err
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    "limit",
    [200, 100_000, pytest.param(700_000, marks=pytest.mark.slow)],
    ids=["first record", "early in a checkpoint", "late in a checkpoint"],
)
def test_a_full_disk(tmp_path, limit):
    words = (f"--workdir={tmp_path / 'run'}", *command_runs.TINY, "--epochs=2")
    with command_runs.full_disk(limit):
        ended = command_runs.run("train", *words)
    command_runs.assert_told(ended, "free the disk")
    left = [path.name for path in (tmp_path / "run").rglob("*")]
    assert not [name for name in left if name.startswith(".writing")]
    assert runs.METRICS not in left
