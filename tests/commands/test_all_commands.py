"""`elf-keras COMMAND`: the same commands by one name."""

import ast
import pathlib
import re

import command_runs
import pytest

import elf_keras
from elf_keras import __main__ as one_name


def test_every_command_is_listed_with_what_it_does():
    ended = command_runs.ended(command_runs.child("-m", "elf_keras"))
    assert ended.status == 0, ended.err
    for name in one_name.COMMANDS:
        (line,) = [
            line
            for line in ended.out.splitlines()
            if line.split()[:1] == [name]
        ]
        assert len(line.split()) > 4
        assert line.endswith(".")
        assert len(line) <= 80


def test_no_command_is_missing():
    """A module that can be run is a command."""
    folder = pathlib.Path(elf_keras.__file__).parent
    found = {
        path.stem if path.name != "__main__.py" else path.parent.name
        for path in [*folder.glob("*.py"), *folder.glob("*/__main__.py")]
        if 'if __name__ == "__main__"' in path.read_text()
    }
    assert found - {folder.name, "__main__"} == set(one_name.COMMANDS)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--version"], f"elf_keras {elf_keras.__version__}\n"),
        (["help", "sweep"], "--budget"),
    ],
)
def test_what_is_asked_of_the_whole(words, said):
    ended = command_runs.ended(command_runs.child("-m", "elf_keras", *words))
    assert ended.status == 0, ended.err
    assert said in ended.out


def test_messages_name_commands_as_they_are_typed():
    """Not as modules: `elf-keras sweep`, as in help and documentation."""
    names = "|".join(one_name.COMMANDS)
    module = re.compile(rf"(?<!-m )\belf_keras\.({names})\b")
    folder = pathlib.Path(elf_keras.__file__).parent
    pages = [*folder.rglob("*.html"), *folder.rglob("*.js")]
    texts = [(path, path.read_text()) for path in pages]
    for path in folder.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            text = getattr(node, "value", None)
            if isinstance(node, ast.Constant) and isinstance(text, str):
                texts.append((path, text))
    found = {
        f"{path.name}: {text}" for path, text in texts if module.search(text)
    }
    assert not found


def test_a_command_gets_its_own_words():
    ended = command_runs.ended(
        command_runs.child("-m", "elf_keras", "train", "--recipe=list")
    )
    assert ended.status == 0, ended.err
    assert "photos " in ended.out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["trian"], "did you mean train?"),
        (["help", "trian"], "did you mean train?"),
        (["--workdir=x"], "is not a command"),
        (["train", "--recipe=none"], "--recipe=list shows all"),
    ],
)
def test_a_word_that_is_no_command_is_one_line(words, said):
    ended = command_runs.ended(command_runs.child("-m", "elf_keras", *words))
    assert ended.status == 2
    assert ended.err.startswith("error: ") and said in ended.err
    assert ended.err.count("\n") == 1
    assert not ended.out
