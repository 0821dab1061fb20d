"""Which files are images: by their suffix, without one by their first bytes."""

import contextlib
import functools
import os
from collections.abc import Iterable
from typing import BinaryIO

# What Pillow may take a file for; PostScript, say, is a program that it would
# run.
FORMATS = ("JPEG", "PNG", "BMP", "GIF", "WEBP", "TIFF", "PPM")
SUFFIXES = frozenset(
    (
        *(".jpg", ".jpeg", ".jpe", ".jfif", ".mpo", ".png", ".apng"),
        *(".bmp", ".dib", ".gif", ".webp", ".tif", ".tiff"),
        *(".ppm", ".pgm", ".pbm", ".pnm"),
    )
)
_HEIC = 'pillow-heif (pip install pillow-heif, or "elf_keras[heic]")'
# Formats that are read where something is installed, and what that is.
OPTIONAL = {
    **dict.fromkeys((".heic", ".heif", ".hif"), ("HEIF", _HEIC)),
    ".avif": ("AVIF", "Pillow 11.3 or newer"),
}
_NEEDS, _UNREAD = " needs ", " is not read"
# An image all the same, of a format that servers and phones would not take.
_JPEG_XL = f"JPEG XL{_UNREAD}; convert it to PNG or JPEG"
_BEGINNINGS = (
    *(b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"GIF87a", b"GIF89a"),
    *(b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"),
)
_JPEG_XL_BEGINNINGS = (b"\xff\x0a", b"\0\0\0\x0cJXL \r\n\x87\n")
_BRANDS = {
    **dict.fromkeys((b"avif", b"avis"), ".avif"),
    **dict.fromkeys((b"heic", b"heix", b"hevc", b"hevx", b"heim"), ".heic"),
    **dict.fromkeys((b"heis", b"hevm", b"hevs", b"mif1", b"msf1"), ".heic"),
}


@functools.cache
def readable() -> tuple[str, ...]:
    """What Pillow may take a file for here: `FORMATS`, and what is installed.

    Makes Pillow know those of pillow-heif.
    """
    from PIL import features

    found = FORMATS
    if "avif" in features.modules and features.check("avif"):
        found += ("AVIF",)
    with contextlib.suppress(ImportError):
        import pillow_heif

        pillow_heif.register_heif_opener()
        found += ("HEIF",)
    return found


def why_none(path: str) -> str:
    """Why a file counts as no image, or "" for one; most are not opened."""
    suffix = os.path.splitext(path)[1].lower()
    if suffix in SUFFIXES:
        return ""
    if suffix in (*OPTIONAL, ".jxl"):
        return _why_unread(suffix)
    if suffix:
        return f"suffix {suffix} is no image"
    try:
        with open(path, "rb") as file:
            return _why_none_by(file.read(16))
    except OSError as error:
        return f"cannot be opened ({error.strerror})"


def wants(reason: str) -> bool:
    """Whether a file is an image, which another program would read."""
    return _NEEDS in reason or _UNREAD in reason


def unread(left_out: Iterable) -> str:
    """What of `splits.LeftOut` would be read by an installation, or ""."""
    return "; ".join(
        f"{len(part.names)} left out, {part.reason}"
        for part in left_out
        if wants(part.reason)
    )


def needed_by(file: str | os.PathLike | BinaryIO) -> str:
    """Why an image is not read here, told by its bytes, or "".

    Many a HEIC photo is named .jpg.
    """
    if not isinstance(file, (str, os.PathLike)):
        return ""
    with contextlib.suppress(OSError), open(file, "rb") as opened:
        kind = _kind_of(opened.read(16))
        return _why_unread(kind) if kind else ""
    return ""


def _why_unread(suffix):
    if suffix == ".jxl":
        return _JPEG_XL
    name, needed = OPTIONAL[suffix]
    return "" if name in readable() else f"{suffix}{_NEEDS}{needed}"


def _kind_of(head):
    """The suffix that first bytes stand for; "" where it is of `SUFFIXES`."""
    if head.startswith(_JPEG_XL_BEGINNINGS):
        return ".jxl"
    return _BRANDS.get(head[8:12], "") if head[4:8] == b"ftyp" else ""


def _why_none_by(head):
    if kind := _kind_of(head):
        return _why_unread(kind)
    known = (
        head.startswith(_BEGINNINGS)
        or (head[:4] == b"RIFF" and head[8:12] == b"WEBP")
        or (head[:2] == b"BM" and head[6:10] == bytes(4))
        or (head[:1] == b"P" and head[1:2] in b"123456" and head[2:3].isspace())
    )
    return "" if known else "without suffix, and no image by its first bytes"
