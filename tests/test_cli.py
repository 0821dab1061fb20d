"""From the command line to flags and back, without training."""

import sys

import command_runs
import pytest

from elf_keras import cli, runs
from elf_keras.errors import InputError


def values(flag_values):
    names = [flag.name for flag in cli._shared_flags()]
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
        (KeyboardInterrupt(), 130, "stopped; go on with --resume\n"),
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
        cli.refuse_arguments(seen[0])
    cli.refuse_arguments([])


def test_a_command_of_a_run_takes_its_flags_and_the_users_win(
    monkeypatch, tmp_path
):
    (tmp_path / runs.FLAGS).write_text(
        "--seed=3\n--exit_threshold=0.5\n--flip\n--decay_epochs=3,5\n"
        "--workdir=where_it_was_trained\n"
    )
    seen = {}

    def main(words):
        seen.update(values(cli.FLAGS), words=words)

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
    ("changed", "refused"),
    [
        ("--strategy=single", False),
        ("--data_dir=elsewhere", False),
        ("--epochs=4", True),
        ("--flip", True),
        ("--exit_threshold=0.8", True),
        ("--image_size=8", True),
        ("--mixed_precision=bfloat16", True),
    ],
)
def test_only_incidental_flags_may_change_on_resume(tmp_path, changed, refused):
    with command_runs.fresh_flags(f"--workdir={tmp_path}", "--epochs=3"):
        cli.open_workdir()
    before = command_runs.content(tmp_path)
    again = (f"--workdir={tmp_path}", "--epochs=3", "--resume")
    with command_runs.fresh_flags(*again, changed):
        if refused:
            name = changed.removeprefix("--").partition("=")[0]
            with pytest.raises(InputError, match=f"other flags.*{name}"):
                cli.check_workdir()
        else:
            assert cli.check_workdir() == tmp_path
            assert cli.open_workdir() == tmp_path
    assert command_runs.content(tmp_path) == before


def test_a_run_begun_before_a_flag_existed_goes_on(tmp_path):
    with command_runs.fresh_flags(f"--workdir={tmp_path}"):
        cli.open_workdir()
    record = tmp_path / runs.FLAGS
    lines = record.read_text().splitlines(keepends=True)
    older = [line for line in lines if not line.startswith("--sampler")]
    assert len(older) == len(lines) - 1
    record.write_text("".join(older))
    again = (f"--workdir={tmp_path}", "--resume")
    with command_runs.fresh_flags(*again):
        assert cli.check_workdir() == tmp_path
    with (
        command_runs.fresh_flags(*again, "--sampler=square_root"),
        pytest.raises(InputError, match="other flags.*sampler"),
    ):
        cli.check_workdir()


def test_checking_the_folder_writes_nothing(tmp_path):
    folder = tmp_path / "new" / "run"
    with command_runs.fresh_flags(f"--workdir={folder}"):
        assert cli.check_workdir() == folder
        assert not (tmp_path / "new").exists()
        cli.open_workdir()
    assert sorted(command_runs.content(tmp_path / "new")) == [
        "run",
        "run/flags.flags",
    ]


def test_a_missing_workdir_is_said():
    with (
        command_runs.fresh_flags("--seed=0"),
        pytest.raises(InputError, match="--workdir is missing"),
    ):
        cli.workdir()


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
            cli.train_threshold_from_flags(classes),
            cli.exit_threshold_from_flags(classes),
        )
    assert found == pytest.approx(expected)


def test_say_and_show_do_not_mix(capsys):
    cli.say("for the user")
    cli.show({})
    printed = capsys.readouterr()
    assert printed.err == "for the user\n"
    assert printed.out.startswith("accuracy is the mean over classes")


def test_loading_tensorflow_gives_stderr_back(capfd):
    cli.load_tensorflow()
    print("still here", file=sys.stderr, flush=True)
    assert "still here" in capfd.readouterr().err
