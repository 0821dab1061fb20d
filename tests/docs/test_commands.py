"""Every command of the documentation runs, or says that it is not run."""

import collections
import contextlib
import io
import re
import shutil

import command_runs
import documented
import photo_folders
import pytest
from PIL import Image

from elf_keras.deploy import chain_runner

BLOCKS = documented.blocks()
RUN_HERE = [
    block for block in BLOCKS if not block.not_run and not block.elsewhere
]
# What each of them does is tested: the second is this suite.
BY_MAKE = [["make", "train"], ["make", "test"]]
SET_UP = [["source", ".venv/bin/activate"]]
# Tested in tests/commands/test_all_commands.py.
LISTED = [["elf-keras"]]
IN_PYTHON = ["python", "-c"]
# The recipe's folder or name -> what makes it a matter of seconds.
SMALL = {
    "digits_lt": ("--epochs=2",),
    "photos": (
        *("--epochs=1", "--least_steps=0", "--exits_first=2"),
        *("--exits_last=2", "--image_size=64", "--exits=5"),
    ),
    "fine_tune": ("--backbone=resnet8", "--epochs=1"),
    "cifar10_lt": (
        *("--dataset=folder", "--image_size=32", "--backbone=resnet8"),
        *("--validation_fraction=0.3", "--epochs=1"),
    ),
}
# All formats and figures would take minutes; both have tests of their own.
FEWER = {
    "export": ("--formats=float32,int8", "--chain_only", "--score_images=8"),
    "report": ("--norun_models",),
}


def test_every_block_says_its_language():
    told = {
        (path.name, language or "none")
        for path in documented.PAGES
        for language, _ in documented.fenced(path)
    }
    known = {"bash", "text", "python", "kotlin", "swift", "cpp", "none"}
    assert {language for _, language in told} <= known
    # Its drawings.
    bare = {name for name, language in told if language == "none"}
    assert bare <= {"architecture.md"}


def test_blocks_are_run_or_say_where_they_are_run():
    for block in BLOCKS:
        if block.elsewhere:
            test = documented.CHECKOUT / block.elsewhere
            assert test.is_file(), f"{block.page}: no {block.elsewhere}"
    for block in RUN_HERE:
        for words in block.commands:
            known = words in BY_MAKE + SET_UP + LISTED or words[:2] == IN_PYTHON
            known = known or documented.of_project(words)
            assert known, (
                f"{block.page}: nothing runs {' '.join(words)!r}; begin the "
                "block with `# Not run here: REASON` or `# Run by TEST`"
            )


def test_make_train_is_the_command_that_is_shown_instead():
    makefile = (documented.CHECKOUT / "Makefile").read_text()
    recipe = makefile.partition("train: $(STAMP)\n")[2].partition("\n\n")[0]
    words = recipe.replace("\\\n", " ").split()
    assert words == [
        *("$(RUN)", "-m", "elf_keras.train"),
        *("--flagfile=experiments/digits_lt.flags",),
        *("--workdir=runs/digits_lt", "--resume"),
    ]


@pytest.mark.parametrize(
    "words",
    [
        pytest.param(words, id=" ".join(words))
        for words in {
            tuple(words): None
            for block in BLOCKS
            if not block.elsewhere
            for words in block.commands
            if documented.of_project(words)
        }
    ],
)
def test_flags_parse(words):
    name, arguments = documented.of_project(list(words))
    if name not in command_runs.COMMANDS:
        assert name == "deploy.chain_runner"
        return
    if {"--recipe=list", "--help"} & set(arguments):
        return
    # The file of a run is there once the run is.
    begins = ("--", "--flagfile=runs/")
    flags = [
        word
        for word in arguments
        if word.startswith(begins[0]) and not word.startswith(begins[1])
    ]
    with command_runs.fresh_flags("--workdir=x", *flags):
        pass


def photos(folder):
    """The layout that the pages show, each class in its own colour."""
    counts = {"train/cat": 9, "train/dog": 6, "test/cat": 2, "test/dog": 2}
    for place, count in counts.items():
        for number in range(1, count + 1):
            blue = 200 if "cat" in place else 20
            picture = Image.new("RGB", (40, 50), (9 * number, 80, blue))
            photo_folders.save(folder / place / f"{number}.jpg", picture)
    shutil.copy(folder / "test/cat/1.jpg", folder / "test/cat/9.jpg")


def shortened(name, arguments):
    """The same command on small data, for a matter of seconds."""
    given = [word.replace("FOLDER", "photos") for word in arguments]
    text = " ".join(given)
    found = re.search(r"--recipe=(\w+)", text)
    if name in ("train", "search") and found:
        given += SMALL.get(found[1], ())
    return [*given, *FEWER.get(name, ())]


def ask_chain(arguments):
    with contextlib.redirect_stdout(io.StringIO()) as out:
        chain_runner.main(arguments)
    return out.getvalue()


@pytest.mark.slow
def test_commands_run_as_they_stand(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    checkout = documented.CHECKOUT
    (tmp_path / "experiments").symlink_to(checkout / "experiments")
    shutil.copytree(
        checkout / "savedmodels" / "digits_lt", "savedmodels/digits_lt"
    )
    photos(tmp_path / "photos")
    Image.new("L", (8, 8)).save("photo.png")
    done, failed = collections.Counter(), []
    train = ("elf-keras", "train", "--recipe=digits_lt")
    for block in RUN_HERE:
        for words in block.commands:
            if words == ["make", "train"]:
                words = [*train, "--workdir=runs/digits_lt", "--resume"]
            if words[:2] == IN_PYTHON:
                exec(words[2], {})
            name, arguments = documented.of_project(words) or (None, None)
            if not name or done[tuple(words)]:
                continue
            done[tuple(words)] += 1
            if name == "deploy.chain_runner":
                assert '"exit"' in ask_chain(arguments)
                continue
            ended = command_runs.run(name, *shortened(name, arguments))
            if ended.status:
                told = f"{block.page}: {' '.join(words)}"
                failed.append(f"{told}\n{ended.err[-2000:]}")
    assert not failed, "\n\n".join(failed)
    assert len(done) > 20
