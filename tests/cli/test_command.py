"""From the command line to flags and back, without training."""

import sys

import command_runs
import pytest

from elf_keras import runs
from elf_keras.cli import command, data_from_flags, workdir
from elf_keras.errors import InputError


def values(flag_values):
    names = [flag.name for flag in workdir.shared()]
    return {name: flag_values[name].value for name in names}


@pytest.mark.parametrize(
    ("raised", "status", "line"),
    [
        (None, 0, ""),
        (InputError("two\n  lines"), 2, "error: two lines\n"),
        (
            FileNotFoundError(2, "No such file or directory", "a.png"),
            2,
            "error: No such file or directory: a.png; free the disk or mend "
            "the path\n",
        ),
        (
            OSError("Can't write data"),
            2,
            "error: Can't write data; free the disk or mend the path\n",
        ),
        (KeyboardInterrupt(), 130, "stopped\n"),
    ],
)
def test_wrong_input_is_one_line_and_status_2(
    monkeypatch, raised, status, line
):
    def main(words):
        if raised is not None:
            raise raised

    monkeypatch.setitem(command_runs.COMMANDS, "raises", (main, False))
    ended = command_runs.run("raises")
    assert (ended.status, ended.err, ended.out) == (status, line, "")


def test_what_reads_a_run_has_nothing_to_resume(monkeypatch, tmp_path):
    def main(words):
        raise KeyboardInterrupt

    (tmp_path / runs.FLAGS).write_text("--seed=1\n")
    monkeypatch.setitem(command_runs.COMMANDS, "reads", (main, True))
    ended = command_runs.run("reads", f"--workdir={tmp_path}")
    assert (ended.status, ended.err) == (130, "stopped\n")


@pytest.mark.parametrize(
    ("resumes", "told"),
    [(True, "stopped; go on with --resume\n"), (False, "stopped\n")],
)
def test_what_has_nothing_to_resume_does_not_ask_for_it(
    monkeypatch, capsys, resumes, told
):
    def main(words):
        raise KeyboardInterrupt

    monkeypatch.setattr(sys, "argv", ["command"])
    with command_runs.fresh_flags(), pytest.raises(SystemExit):
        command.run_command(main, resumes=resumes)
    assert capsys.readouterr().err == told


@pytest.mark.parametrize("flag", ["checkpoint_minutes", "weight_decay"])
@pytest.mark.parametrize("value", ["nan", "inf"])
def test_what_is_no_number_is_refused(monkeypatch, flag, value):
    monkeypatch.setitem(command_runs.COMMANDS, "says", (print, False))
    command_runs.refused("says", f"--{flag}={value}", says=[flag, value])


def test_a_mistake_of_ours_is_not_dressed_as_the_users(monkeypatch):
    def main(words):
        raise ZeroDivisionError

    monkeypatch.setitem(command_runs.COMMANDS, "raises", (main, False))
    with pytest.raises(ZeroDivisionError):
        command_runs.run("raises")


def test_words_that_are_no_flags_reach_the_command(monkeypatch):
    seen = []
    monkeypatch.setitem(command_runs.COMMANDS, "words", (seen.append, False))
    command_runs.run("words", "a.png", "--seed=3", "b.png")
    assert seen == [["a.png", "b.png"]]
    with pytest.raises(InputError, match="a.png.*--name=value"):
        command.refuse_arguments(seen[0])
    command.refuse_arguments([])


def test_a_command_of_a_run_takes_its_flags_and_the_users_win(
    monkeypatch, tmp_path
):
    (tmp_path / runs.FLAGS).write_text(
        "--seed=3\n--exit_threshold=0.5\n--flip\n--decay_epochs=3,5\n"
        "--workdir=where_it_was_trained\n"
    )
    seen = {}

    def main(words):
        seen.update(values(command.FLAGS), words=words)

    monkeypatch.setitem(command_runs.COMMANDS, "of_run", (main, True))
    ended = command_runs.run(
        "of_run",
        f"--workdir={tmp_path}",
        "--exit_threshold=0.7",
        "--noflip",
        "a.png",
    )
    assert ended.status == 0, ended.err
    assert (seen["seed"], seen["decay_epochs"]) == (3, ["3", "5"])
    assert (seen["exit_threshold"], seen["flip"]) == ("0.7", False)
    assert seen["workdir"] == str(tmp_path)
    assert seen["words"] == ["a.png"]


@pytest.mark.parametrize(
    ("words", "classes", "expected"),
    [
        ([], 10, (0.9, 0.9)),
        (["--train_threshold=0.8", "--exit_threshold=6/C"], 10, (0.8, 0.6)),
        (["--exit_loss=ldam"], 10, (0.2, 0.2)),
        (["--exit_loss=ldam", "--exit_threshold=1.5/C"], 100, (0.02, 0.015)),
    ],
)
def test_thresholds(words, classes, expected):
    with command_runs.fresh_flags("--workdir=", *words):
        found = (
            data_from_flags.train_threshold(classes),
            data_from_flags.exit_thresholds(classes, 3).number,
        )
    assert found == pytest.approx(expected)


def test_say_and_show_do_not_mix(capsys):
    command.say("for the user")
    command.show({})
    printed = capsys.readouterr()
    assert printed.err == "for the user\n"
    assert printed.out.startswith("accuracy is the mean over classes")


def test_loading_tensorflow_gives_stderr_back(capfd):
    command.load_tensorflow()
    print("still here", file=sys.stderr, flush=True)
    assert "still here" in capfd.readouterr().err
