"""Lists and tables of images as any program writes them: encoding, line ends.

The first bytes tell the encoding; nothing is guessed, for a wrong guess is a
file that is not found.
"""

import codecs
import pathlib

from elf_keras.errors import InputError

# UTF-32's mark begins as UTF-16's does.
_MARKS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}


def read_text(path: pathlib.Path) -> str:
    r"""A text file's lines, each ended by \n, without a byte order mark.

    UTF-8, or what a byte order mark says.

    Raises:
      InputError: with file and line, for another encoding.
      OSError: where the file cannot be read.
    """
    content = path.read_bytes()
    marked = [name for mark, name in _MARKS.items() if content.startswith(mark)]
    try:
        text = content.decode(marked[0] if marked else "utf-8")
    except UnicodeDecodeError as error:
        raise InputError(_undecoded(path, error, marked)) from error
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        raise InputError(
            f"{path} line {line} holds a NUL: is it UTF-16 without a byte "
            "order mark, or no text? Save it as UTF-8"
        )
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _undecoded(path, error, marked):
    if marked:
        return (
            f"{path} begins with the mark of {error.encoding} but is cut off "
            "or damaged; save it as UTF-8"
        )
    before = error.object[: error.start]
    lines = before.replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")
    end = error.object[error.start :].splitlines()[0]
    shown = (lines[-1] + end).decode("latin-1")[:80]
    return (
        f"{path} line {len(lines)}: {shown!r} is not UTF-8, maybe Latin-1 or "
        "Windows-1252; save the file as UTF-8"
    )
