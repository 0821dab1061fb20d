r"""Command lines in files: what `--flagfile=` and `--recipe=` name.

A line is a word of the command line, blanks at its ends left out; those that
begin with # or // are comments. A word that such a line would change, with
blanks at its ends, a line end or bytes that are no text, is written as the
shell's `$'--name=value\x20'`, so that every word is read as it was given. So is
flags.flags of a run written.
"""

import codecs
import os
import pathlib
import re
from collections.abc import Sequence

from elf_keras.errors import InputError
from elf_keras.runs import files, recipes

_QUOTED = re.compile(r"\$'((?:[^'\\]|\\.)*)'")
_HEX = "[0-9a-fA-F]"
_ESCAPED = re.compile(
    rf"\\(?:x({_HEX}{{2}})|u((?![dD][89a-fA-F]){_HEX}{{4}})"
    rf"|U(000[1-9a-fA-F]{_HEX}{{4}}|0010{_HEX}{{4}})|(.))",
    re.DOTALL,
)
_SHORT = {"n": "\n", "r": "\r", "t": "\t"}
_LETTERS = {character: letter for letter, character in _SHORT.items()}
_COMMENTS = ("#", "//")
# How Python holds a byte that is no UTF-8, from 0x80 on.
_BYTES = 0xDC00
# What a flag and its file are written as in one word.
_FLAG = re.compile(r"--?(flagfile|recipe)(?:=(.*))?", re.DOTALL)


def expanded(words: Sequence[str]) -> list[str]:
    """A command line with the words of files where flags name them.

    `--flagfile` names a file, `--recipe` one of `recipes.names()`. Files may
    name further ones; an empty name of a file, and a file within itself, add
    nothing.

    Raises:
      InputError: naming a file that is missing, or no text.
    """
    return _expanded(iter(words), ())


def read(path: pathlib.Path) -> list[str]:
    """The words of a file, as a command line would give them.

    Raises:
      InputError: where it is no text.
      OSError: where it cannot be read.
    """
    content = path.read_bytes()
    try:
        if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            text = content.decode("utf-16")
        else:
            content = content.removeprefix(codecs.BOM_UTF8)
            text = content.decode("utf-8", "surrogateescape")
        if "\0" in text:
            raise ValueError
    except ValueError as error:
        raise InputError(
            f"--flagfile={line(str(path))} is not text: expected a "
            "flag a line, such as --epochs=3; check its path"
        ) from error
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    stripped = [line.strip() for line in lines]
    return [
        _word(line)
        for line in stripped
        if line and not line.startswith(_COMMENTS)
    ]


def values(path: pathlib.Path) -> dict[str, str]:
    """Flags of a file as text, by name; a switch is `true` or `false`.

    Raises:
      InputError: where it is no text.
      OSError: where it cannot be read.
    """
    found = {}
    for word in read(path):
        if word.startswith("--"):
            name, given, value = word[2:].partition("=")
            switch = "false" if name.startswith("no") else "true"
            found[name] = value if given else switch
    return found


def write(path: pathlib.Path, words: Sequence[str]) -> None:
    """Write a file that repeats these words."""
    files.write_text(path, "".join(f"{line(word)}\n" for word in words))


def line(word: str) -> str:
    """A word as the line that repeats it; any page and terminal takes it."""
    text = os.fsencode(word).decode("utf-8", "surrogateescape")
    if text.isprintable() and text == text.strip() and _plain(text):
        return text
    return "$'" + "".join(map(_escape, text)) + "'"


def _plain(text):
    return text and not text.startswith((*_COMMENTS, "$'"))


def _expanded(words, opened):
    found = []
    for word in words:
        if word == "--":
            return [*found, word, *words]
        if not (match := _FLAG.fullmatch(word)):
            found.append(word)
            continue
        flag, name = match.groups()
        if name is None and (name := next(words, None)) is None:
            what = "file" if flag == "flagfile" else "recipe"
            raise InputError(f"--{flag} is without a {what}: name one")
        if flag == "recipe":
            # Without one the defaults would train something else.
            name = str(recipes.path(name))
        if name and name not in opened:
            found += _expanded(iter(_named(name, opened)), (*opened, name))
    return found


def _named(name, opened):
    try:
        return read(pathlib.Path(name).expanduser())
    except (OSError, RuntimeError, ValueError) as error:
        if isinstance(error, InputError):
            raise
        reason = getattr(error, "strerror", None) or error
        inside = f" (named in {line(opened[-1])})" if opened else ""
        raise InputError(
            f"--flagfile={line(name)}{inside} cannot be read "
            f"({reason}); check its path"
        ) from error


def _word(line):
    if match := _QUOTED.fullmatch(line):
        line = _ESCAPED.sub(_character, match[1])
    return os.fsdecode(line.encode("utf-8", "surrogateescape"))


def _character(match):
    byte, *codes, other = match.groups()
    if byte:
        value = int(byte, 16)
        return chr(value if value < 0x80 else _BYTES + value)
    if code := codes[0] or codes[1]:
        return chr(int(code, 16))
    return _SHORT.get(other, other)


def _escape(character):
    if character in "\\'":
        return "\\" + character
    if character in _LETTERS:
        return "\\" + _LETTERS[character]
    if character.isprintable():
        return character
    code = ord(character)
    if code < 0x80 or _BYTES <= code < _BYTES + 0x100:
        return f"\\x{code % 0x100:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
