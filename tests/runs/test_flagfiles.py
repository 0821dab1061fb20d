"""Words of a command line in files: as they were given, as absl reads them."""

import codecs
import os
import subprocess

import pytest
from absl import flags
from hypothesis import given
from hypothesis import strategies as st

from elf_keras.errors import InputError
from elf_keras.runs import flagfiles

# What `sys.argv` can hold: any bytes but zero.
WORDS = st.binary(max_size=30).map(
    lambda raw: os.fsdecode(raw.replace(b"\0", b"0"))
) | st.text(st.characters(exclude_categories=["Cs"]), max_size=20).map(
    lambda text: text.replace("\0", "0")
)
ODD = [
    "--validation_group=prefix: ",
    "--data_dir=/data/caf\udce9 ",
    "--data_dir=two\nlines\r\n",
    "--data_dir= \t\x0b\x85\u2028\ufeff",
    "--data_dir='quoted' \"twice\" \\n $'no' $HOME %s",
    "$'--data_dir=a'",
    "#no comment",
    "//no comment",
    "--data_dir=猫\U0001f431 עברית\u200f",
    "",
    " ",
    "'",
]


@pytest.mark.slow
@given(st.lists(WORDS))
def test_any_words_are_read_as_they_were_given(tmp_path_factory, words):
    path = tmp_path_factory.getbasetemp() / "any.flags"
    flagfiles.write(path, words)
    assert flagfiles.read(path) == words
    for line in path.read_text(encoding="utf-8").splitlines():
        assert line.isprintable()


def test_odd_words_are_read_as_they_were_given(tmp_path):
    path = tmp_path / "odd.flags"
    flagfiles.write(path, ODD)
    assert flagfiles.read(path) == ODD
    assert flagfiles.line("--seed=1") == "--seed=1"
    assert flagfiles.line("--data_dir=a b") == "--data_dir=a b"


def test_the_shell_reads_quoted_words_as_we_do():
    for word in ODD[:6]:
        line = flagfiles.line(word)
        if line.startswith("$"):
            code = f"printf %s {line}"
            shown = subprocess.run(
                ["bash", "-c", code], capture_output=True, check=True
            )
            assert os.fsdecode(shown.stdout) == word


WRITTEN = "# a comment\n// another\n\n--epochs=3 \n  --flip\n--data_dir=a b\n"


@pytest.mark.parametrize(
    "encode",
    [
        str.encode,
        lambda text: codecs.BOM_UTF8 + text.encode(),
        lambda text: text.replace("\n", "\r\n").encode(),
        lambda text: text.replace("\n", "\r").encode(),
        lambda text: text.encode("utf-16"),
    ],
    ids=["plain", "mark", "crlf", "cr", "utf-16"],
)
def test_files_of_any_editor(tmp_path, encode):
    path = tmp_path / "recipe.flags"
    path.write_bytes(encode(WRITTEN))
    assert flagfiles.read(path) == ["--epochs=3", "--flip", "--data_dir=a b"]


def parsed(words):
    """Values of two flags and the other words, read by absl."""
    found = flags.FlagValues()
    flags.DEFINE_integer("epochs", 1, "", flag_values=found)
    flags.DEFINE_list("names", [], "", flag_values=found)
    rest = found(["command", *words])
    return found.epochs, found.names, rest[1:]


@pytest.mark.parametrize(
    "words",
    [
        ["--flagfile={a}", "--epochs=9"],
        ["--epochs=9", "--flagfile={a}"],
        ["--flagfile", "{a}", "word", "-flagfile={b}"],
        ["--names", "x", "--flagfile={b}", "--", "--flagfile={a}"],
        ["--flagfile=", "--epochs=2"],
    ],
)
def test_files_are_expanded_as_absl_does(tmp_path, words):
    a, b = tmp_path / "a.flags", tmp_path / "b.flags"
    a.write_text(f"--epochs=3\n# -\n--flagfile={b} \n--names\nu, v\n")
    b.write_text(f"//\n--epochs=5\n--flagfile={a}\n--names=x,\n")
    words = [word.format(a=a, b=b) for word in words]
    expanded = flagfiles.expanded(words)
    assert parsed(expanded) == parsed(words)
    before = "\n".join(expanded).partition("\n--\n")[0]
    assert "--flagfile" not in before


def test_what_cannot_be_read_is_named(tmp_path):
    (tmp_path / "zero.flags").write_bytes(b"--epochs=3\n\xfc\0\xff")
    (tmp_path / "outer.flags").write_text("--flagfile=gone.flags\n")
    for name, said in [
        ("no\nsuch\udce9", r"no\\nsuch\\xe9.*No such file"),
        ("zero.flags", "zero.flags is not text"),
        ("outer.flags", r"gone.flags \(named in .*outer.flags\)"),
        ("", "Is a directory"),
    ]:
        with pytest.raises(InputError, match=said):
            flagfiles.expanded([f"--flagfile={tmp_path / name}"])
    with pytest.raises(InputError, match="without a file"):
        flagfiles.expanded(["--flagfile"])
