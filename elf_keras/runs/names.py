"""Names of files and folders as text that every reader takes."""

import unicodedata

_SHORT = {"\n": r"\n", "\r": r"\r", "\t": r"\t"}
# Control characters, surrogates, separators of lines and of paragraphs.
_ESCAPED = ("Cc", "Cs", "Zl", "Zp")
# Python's stand-ins for the bytes of a name that are no UTF-8.
_BYTES = range(0xDC80, 0xDD00)


def legible(name: str) -> str:
    r"""A name of the file system as text that any file, page, terminal takes.

    Bytes that are no UTF-8 become `\xe9`, control characters `\n` and the
    like; a second call changes nothing. To open the file, take its own name.
    """
    if name.isprintable():
        return name
    return "".join(map(_legible, name))


def _legible(character):
    if unicodedata.category(character) not in _ESCAPED:
        return character
    if character in _SHORT:
        return _SHORT[character]
    number = ord(character)
    if number in _BYTES:
        return rf"\x{number - 0xDC00:02x}"
    return rf"\x{number:02x}" if number < 0x80 else rf"\u{number:04x}"
