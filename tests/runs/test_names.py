"""Names of files as text that every reader takes."""

import os

import pytest

from elf_keras import runs


@pytest.mark.parametrize(
    ("name", "text"),
    [
        (b"cat 1.png", "cat 1.png"),
        ("café 猫 👩‍🔬".encode(), "café 猫 👩‍🔬"),
        (b"caf\xe9", r"caf\xe9"),
        (b"a\nb\tc\x1b[31m\x7f", r"a\nb\tc\x1b[31m\x7f"),
        ("\u2028\x85".encode(), r"\u2028\u0085"),
        (b"C:\\$x$", "C:\\$x$"),
    ],
)
def test_a_name_becomes_text(name, text):
    shown = runs.legible(os.fsdecode(name))
    assert shown == text
    assert runs.legible(shown) == shown
    shown.encode()
