"""Evaluate and predict where the run, its files or the words are wrong."""

import shutil

import command_runs
import made_run
import pytest

from elf_keras import runs


@pytest.mark.parametrize("command", ["evaluate", "predict"])
@pytest.mark.parametrize("held", [None, "nothing", "flags only"])
def test_commands_of_a_run_that_is_none(tmp_path, command, held):
    folder = tmp_path / "run"
    if held:
        folder.mkdir()
    if held == "flags only":
        (folder / runs.FLAGS).write_text("--imbalance=20\n")
    before = command_runs.content(tmp_path)
    words = [f"--workdir={folder}", *["photo.png"] * (command == "predict")]
    command_runs.refused(command, *words, says=[str(folder)])
    assert command_runs.content(tmp_path) == before


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return made_run.folder(tmp_path_factory.mktemp("made") / "run")


@pytest.fixture
def folder(made, tmp_path):
    return shutil.copytree(made, tmp_path / "run")


def predict_refuses(folder, *words, says):
    command_runs.refused("predict", f"--workdir={folder}", *words, says=says)


@pytest.mark.parametrize(
    ("words", "says"),
    [([], "no image files"), (["--exit_threshold=1.5", "a.png"], "'1.5'")],
)
def test_predict_with_wrong_words(folder, words, says):
    predict_refuses(folder, *words, says=[says])


@pytest.mark.parametrize(
    ("record", "says"),
    [
        ('{"data"', "run.json cannot be"),
        ("{}", "run.json names no classes"),
        ("[1]", "run.json cannot be"),
        ('{"data": 1}', "run.json names no classes"),
        ('{"data": {"class_names": "a"}}', "run.json names no classes"),
    ],
)
def test_predict_with_a_record_of_something_else(folder, record, says):
    (folder / runs.RECORD).write_text(record)
    predict_refuses(folder, "a.png", says=[says, "restore"])


def test_predict_with_a_damaged_model(folder):
    content = (folder / runs.MODEL).read_bytes()
    (folder / runs.MODEL).write_bytes(content[: len(content) // 2])
    predict_refuses(folder, "a.png", says=["model.keras: cannot"])


def test_evaluate_of_a_split_that_is_not_there(folder, monkeypatch):
    made_run.give(monkeypatch, validation=None)
    before = command_runs.content(folder)
    says = ["validation", "--validation_fraction"]
    words = (f"--workdir={folder}", "--split=validation")
    command_runs.refused("evaluate", *words, says=says)
    # Asked for by name, so it may not be left out in silence either.
    command_runs.refused("evaluate", *words, "--split=test", says=says)
    assert command_runs.content(folder) == before
    # By default those that are there.
    ended = command_runs.done("evaluate", f"--workdir={folder}")
    assert "test" in ended.out


def test_advice_for_a_split_that_is_not_there_names_no_flag_that_is_set(
    folder, monkeypatch
):
    made_run.give(monkeypatch, validation=None, test=None)
    words = ("evaluate", f"--workdir={folder}")
    says = ["--validation_fraction=0.1 cuts none", "a single image"]
    command_runs.refused(*words, says=says)
    says = ["train with --validation_fraction=0.1"]
    command_runs.refused(*words, "--validation_fraction=0", says=says)
    command_runs.refused(*words, "--split=test", says=["add a folder test/"])


def test_evaluate_shows_the_scores_that_it_cannot_write(folder, monkeypatch):
    made_run.give(monkeypatch)
    # Root may write anywhere, but not a file in place of a folder.
    (folder / "evaluation.json").mkdir()
    ended = command_runs.run("evaluate", f"--workdir={folder}")
    command_runs.assert_told(ended, "evaluation.json")
    assert "\ntest " in ended.out


def test_evaluate_shows_and_writes_the_training_split_too(folder, monkeypatch):
    made_run.give(monkeypatch, validation=None, test=None)
    words = (f"--workdir={folder}", "--split=train")
    ended = command_runs.done("evaluate", *words)
    record = runs.read_json(folder / "evaluation.json")
    assert record["splits"]["train"]["model"]["images"] == 18
    assert "\ntrain " in ended.out


def test_predict_with_a_file_that_is_no_image_goes_on(folder, tmp_path):
    """The good ones are answered; the status tells that one was not."""
    command_runs.draw(tmp_path / "good.png")
    (tmp_path / "bad.png").write_text("no image")
    files = [tmp_path / f"{name}.png" for name in ("bad", "good", "none")]
    ended = command_runs.run("predict", f"--workdir={folder}", *files)
    assert ended.status == 2
    bad, good, none = ended.out.splitlines()
    assert '"error"' in bad
    assert '"error"' in none
    assert '"class"' in good
    assert "Traceback" not in ended.err
