"""`--help`: the flags people need first, then all that the command can use."""

import sys
from unittest import mock

import command_runs
import pytest

from elf_keras import __main__ as one_name
from elf_keras.cli import command_flags, help_page, recipe_flags
from elf_keras.cli.usable_flags import COMMANDS

# Lines of a small terminal.
SCREEN = 24


def page(name):
    main, _ = command_runs.COMMANDS[name]
    with command_runs.fresh_flags(), mock.patch.object(sys, "argv", [name]):
        return help_page.page(main)


def entries(text):
    """Every flag that is listed, with its text: the last one where twice."""
    found = {}
    for line in text.split("\n"):
        if line.startswith("  --"):
            name, _, rest = line.strip().partition(" ")
            key = name.partition("=")[0].removeprefix("--")
            key = key.removeprefix("[no]")
            found[key] = rest.strip()
        elif line.startswith(" " * 10):
            found[key] += " " + line.strip()
    return found


def test_every_command_has_its_flags_listed():
    assert set(COMMANDS) == set(one_name.COMMANDS)
    with command_runs.fresh_flags():
        names = {flag.name for flag in recipe_flags.shared()}
        for usable in COMMANDS.values():
            assert set(usable.run or ()) <= names
            assert set(usable.unused) <= names
            assert set(usable.finished) <= set(command_flags.NAMES)
            assert len(usable.first) <= 5


@pytest.mark.parametrize("name", COMMANDS)
def test_a_page_fits_a_terminal_and_its_first_screen_says_the_most(name):
    text = page(name)
    assert all(len(line) <= 80 for line in text.split("\n"))
    first = "\n".join(text.split("\n")[: SCREEN - 1])
    assert text.startswith(
        command_runs.COMMANDS[name][0].__globals__["__doc__"].partition("\n")[0]
    )
    assert f"elf-keras {name} " in first
    needed = first.partition("The flags that most people need:\n")[2]
    # The paragraph after them begins on that screen.
    assert list(entries(needed)) == list(COMMANDS[name].first)
    assert "\n\n" in needed


@pytest.mark.parametrize("name", COMMANDS)
def test_each_entry_is_understood_alone(name):
    for flag, text in entries(page(name)).items():
        assert len(text.split()) >= 3, flag
        assert text.endswith("."), flag
        assert text[0].isupper() or text[0] in "αβγτσ" or ":" in text, flag
        for word in ("above", "below", "likewise", "both"):
            assert word not in text.split()[:1], flag


def test_only_flags_that_make_a_difference_are_listed():
    trained = set(entries(page("train")))
    with command_runs.fresh_flags():
        shared = {flag.name for flag in recipe_flags.shared()}
    assert shared <= trained
    assert trained.isdisjoint(command_flags.NAMES)
    assert {"dry_run", "plan"} <= trained
    assert shared - set(entries(page("search"))) == {
        "resume",
        "train_threshold",
    }
    evaluated = set(entries(page("evaluate")))
    assert set(command_flags.NAMES) <= evaluated
    assert evaluated.isdisjoint(("epochs", "backbone", "exit_loss", "flip"))
    assert "split" not in entries(page("sweep"))
    assert "data_dir" not in entries(page("predict"))
    assert set(entries(page("demo"))) == {
        *("model", "port", "node_modules", "flagfile"),
    }


@pytest.mark.parametrize("name", [n for n in COMMANDS if n != "demo"])
def test_all_exit_rules_at_once_are_of_sweep_alone(name):
    """What a command is told, it takes: its options say the same."""
    compares = command_runs.COMMANDS[name][1].get("compares", False)
    assert COMMANDS[name].compares == compares
    text = entries(page(name))["exit_rule"]
    assert "patience, depth_confidence" in text
    assert ("depth_confidence, all." in text) == compares
    assert ("all: sweep compares" in text) == compares


def test_choices_and_defaults_are_told():
    listed = entries(page("train"))
    assert (
        "One of: ce, focal, ldam, balanced_softmax, la, vs."
        in (listed["exit_loss"])
    )
    assert listed["batch_size"].endswith("Default: 128.")
    assert listed["decay_epochs"].endswith("Default: 160,180.")
    assert "Default" not in listed["flip"]
    assert listed["check_counts"].endswith("Default: yes.")
    # What a run was trained with is its default elsewhere.
    assert "Default: auto" not in entries(page("evaluate"))["exit_threshold"]
    assert "--exit_threshold=…" in page("evaluate")
    assert "--[no]resume" in page("train")
    assert "--data_dir=FOLDER" in page("train")
    assert "--split=NAME" in page("evaluate")
