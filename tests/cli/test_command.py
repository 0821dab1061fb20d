"""From the command line to flags, and from errors to one line."""

import sys

import command_runs
import pytest
from absl import flags

from elf_keras import runs
from elf_keras.cli import command, workdir
from elf_keras.errors import InputError


@pytest.fixture
def ends(monkeypatch):
    """Run a command of these options whose main raises, or calls, `what`."""

    def run(what, *words, **options):
        def main(arguments):
            if isinstance(what, BaseException):
                raise what
            what(arguments)

        monkeypatch.setitem(command_runs.COMMANDS, "made", (main, options))
        return command_runs.run("made", *words)

    return run


MEND = "; free the disk or correct the path\n"


@pytest.mark.parametrize(
    ("raised", "status", "line"),
    [
        (flags.Error("two\n  lines"), 2, "error: two lines\n"),
        (InputError("no a\n  b\udce9"), 2, "error: no a\\n  b\\xe9\n"),
        (FileNotFoundError(2, "Gone", "a.png"), 2, f"error: Gone: a.png{MEND}"),
        (OSError(2, "Gone", b"\xe9\n"), 2, f"error: Gone: \\xe9\\n{MEND}"),
        (OSError("Can't write data"), 2, f"error: Can't write data{MEND}"),
        (
            ImportError("no\n symbol x", name="onnxruntime.capi"),
            2,
            "error: the package onnxruntime is missing or broken (no symbol "
            "x); install it again\n",
        ),
        (KeyboardInterrupt(), 130, "stopped\n"),
    ],
)
def test_wrong_input_is_one_line_and_status_2(ends, raised, status, line):
    ended = ends(raised)
    assert (ended.status, ended.err, ended.out) == (status, line, "")


@pytest.mark.parametrize(
    ("option", "told"),
    [("resumes", "; go on with --resume"), ("of_run", "")],
)
def test_only_what_can_go_on_is_told_to(ends, tmp_path, option, told):
    (tmp_path / runs.FLAGS).write_text("--seed=1\n")
    options = {option: True}
    ended = ends(KeyboardInterrupt(), f"--workdir={tmp_path}", **options)
    assert (ended.status, ended.err) == (130, f"stopped{told}\n")


@pytest.mark.parametrize("flag", ["checkpoint_minutes", "weight_decay"])
@pytest.mark.parametrize("value", ["nan", "inf"])
def test_what_is_no_number_is_refused(flag, value):
    command_runs.refused("search", f"--{flag}={value}", says=[flag, value])


@pytest.mark.parametrize(
    ("word", "told"),
    [
        ("--recpe=photos", "did you mean --recipe?"),
        ("--workdr=x", "did you mean --workdir?"),
        ("--data-dir=x", "did you mean --data_dir?"),
        ("--noflp", "did you mean --noflip?"),
        ("--xyzzy=1", "--help lists all"),
    ],
)
def test_a_misspelt_flag_names_the_nearest(word, told):
    name = word.removeprefix("--").partition("=")[0]
    line = f"error: Unknown command line flag '{name}'; {told}\n"
    ended = command_runs.run("train", word)
    assert (ended.status, ended.err) == (2, line)


def test_a_mistake_of_ours_is_not_dressed_as_the_users(ends):
    with pytest.raises(ZeroDivisionError):
        ends(ZeroDivisionError())
    with pytest.raises(ImportError):
        ends(ImportError("cannot import name", name="elf_keras.runs"))


def test_words_that_are_no_flags_reach_the_command(ends):
    seen = []
    assert ends(seen.append, "a.png", "--seed=3", "b.png").status == 0
    assert seen == [["a.png", "b.png"]]
    with pytest.raises(InputError, match="a.png.*--name=value"):
        command.refuse_arguments(seen[0])
    command.refuse_arguments([])


def test_a_command_of_a_run_takes_its_flags_and_the_users_win(ends, tmp_path):
    (tmp_path / runs.FLAGS).write_text(
        "--seed=3\n--exit_threshold=0.5\n--flip\n--decay_epochs=3,5\n"
        "--workdir=where_it_was_trained\n"
    )
    seen = {}

    def main(words):
        seen.update({flag.name: flag.value for flag in workdir.shared()})
        seen["words"] = words

    given = ("--exit_threshold=0.7", "--noflip", "a.png")
    ended = ends(main, f"--workdir={tmp_path}", *given, of_run=True)
    assert ended.status == 0, ended.err
    assert (seen["seed"], seen["decay_epochs"]) == (3, ["3", "5"])
    assert (seen["exit_threshold"], seen["flip"]) == ("0.7", False)
    assert seen["workdir"] == str(tmp_path)
    assert seen["words"] == ["a.png"]


@pytest.mark.parametrize("option", [{}, {"of_export": True}])
def test_a_run_that_is_named_without_its_flag(ends, tmp_path, option):
    (tmp_path / runs.FLAGS).write_text("--seed=3\n")
    ended = ends(InputError("ran"), "a.png", tmp_path, of_run=True, **option)
    # Words of a command that takes an export are images, but for a run.
    meant = tmp_path if option else "a.png"
    line = f"error: --workdir is missing: write --workdir={meant}\n"
    assert (ended.status, ended.err) == (2, line)
    ended = ends(InputError("ran"), "a.png", of_run=True, of_export=True)
    assert "name the folder of the run" in ended.err


def test_say_and_show_do_not_mix(capsys):
    command.say("for the user")
    command.show({})
    printed = capsys.readouterr()
    assert printed.err == "for the user\n"
    assert printed.out.startswith("accuracy is the mean over classes")


def test_loading_tensorflow_gives_stderr_back(capfd):
    with command_runs.fresh_flags("--workdir=run"):
        command.load_tensorflow()
    print("still here", file=sys.stderr, flush=True)
    assert "still here" in capfd.readouterr().err


def test_advice_on_tracing_is_no_news_to_users():
    code = """
from absl import flags
from elf_keras.cli import command, command_flags, recipe_flags
recipe_flags.define()
command_flags.define()
flags.FLAGS(["train", "--workdir=run"])
command.load_tensorflow()
import tensorflow as tf
for number in range(9):
    tf.function(lambda given: given + 1)(number)
"""
    done = command_runs.ended(command_runs.child("-c", code))
    assert (done.status, done.err) == (0, "")
