"""The form of the exits, as flags say it."""

import command_runs
import pytest

from elf_keras import models
from elf_keras.cli import heads_from_flags
from elf_keras.errors import InputError


def heads(*words):
    with command_runs.fresh_flags("--workdir=", *words):
        return heads_from_flags.heads(cosine=False)


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ((), None),
        (("--head_filters=",), None),
        (("--head_filters=64:128,96",), ((64, 128), (96, 96))),
        (("--head_filters= 8 : 16 , 9",), ((8, 16), (9, 9))),
        # It has no early exits: a recipe's filters are for its other methods.
        (("--head_filters=64", "--method=single"), None),
    ],
)
def test_filters(words, expected):
    assert heads(*words).filters == expected


def test_form():
    found = heads("--exit_head=conv", "--exit_stride=1")
    assert found == models.Heads("conv", 1)


@pytest.mark.parametrize(
    "text",
    [
        "0",
        "64:0",
        "-1",
        "1:2:3",
        "64:",
        "wide",
        "1.5",
        "64,,8",
        "٣",
        "9" * 5000,
    ],
)
def test_what_is_no_filter(text):
    with pytest.raises(InputError, match="expected for each early exit") as no:
        heads(f"--head_filters={text}")
    assert f"--head_filters={text}: " in str(no.value)
    assert "\n" not in str(no.value)
