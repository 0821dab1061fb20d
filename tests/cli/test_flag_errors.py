"""Values of the wrong type, told in words of the user's."""

import command_runs
import made_plugin
import pytest
from absl import flags

from elf_keras.cli import flag_errors, workdir
from elf_keras.errors import InputError

LOSS = made_plugin.LOSS


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("--epochs=1.5", "a whole number"),
        ("--epochs=", "a whole number"),
        ("--learning_rate=abc", "a number"),
        ("--learning_rate=0.1: 0.2", "a number"),
        ("--flip=maybe", "true or false"),
    ],
)
def test_a_value_of_another_type_says_what_is_expected(word, expected):
    line = f"{word}: expected {expected}"
    ended = command_runs.run("train", word)
    assert (ended.status, ended.err) == (2, f"error: {line}\n")
    with pytest.raises(InputError) as raised:
        workdir.parsed([word])
    assert str(raised.value) == line


@pytest.mark.parametrize(
    ("default", "value", "expected"),
    [
        ("2", "0.5", "a whole number"),
        ("2.0", "two", "a number"),
        ("True", "2", "true or false"),
    ],
)
def test_the_default_of_a_parameter_decides(tmp_path, default, value, expected):
    text = LOSS.replace("2.0", default)
    with made_plugin.written(tmp_path, made_loss=text):
        command_runs.refused(
            "train",
            *("--plugin=made_loss", f"--made_weight={value}"),
            says=[f"--made_weight={value}: expected {expected}"],
        )


def test_other_errors_are_told_as_they_are():
    assert flag_errors.told(flags.Error("two\n  lines")) == "two lines"
    ended = command_runs.run("train", "--epochs=0")
    assert "0 is not a positive integer" in ended.err
