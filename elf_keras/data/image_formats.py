"""Which files are images: by their suffix, without one by their first bytes."""

import contextlib
import functools
import os

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
# Formats that are read where something is installed, and what that is.
OPTIONAL = {
    **dict.fromkeys((".heic", ".heif", ".hif"), ("HEIF", "pillow-heif")),
    ".avif": ("AVIF", "Pillow 11.3 or newer"),
}
_NEEDS = " needs "
_BEGINNINGS = (
    *(b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"GIF87a", b"GIF89a"),
    *(b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"),
)
_BRANDS = {
    **dict.fromkeys((b"avif", b"avis"), ".avif"),
    **dict.fromkeys((b"heic", b"heix", b"hevc", b"heim", b"mif1"), ".heic"),
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
    if suffix in OPTIONAL:
        return _why_unread(suffix)
    if suffix:
        return f"suffix {suffix} is no image"
    try:
        with open(path, "rb") as file:
            return _why_none_by(file.read(16))
    except OSError as error:
        return f"cannot be opened ({error.strerror})"


def wants(reason: str) -> bool:
    """Whether a file is an image that an installation would make readable."""
    return _NEEDS in reason


def _why_unread(suffix):
    name, needed = OPTIONAL[suffix]
    return "" if name in readable() else f"{suffix}{_NEEDS}{needed}"


def _why_none_by(head):
    if head[4:8] == b"ftyp" and head[8:12] in _BRANDS:
        return _why_unread(_BRANDS[head[8:12]])
    known = (
        head.startswith(_BEGINNINGS)
        or (head[:4] == b"RIFF" and head[8:12] == b"WEBP")
        or (head[:2] == b"BM" and head[6:10] == bytes(4))
        or (head[:1] == b"P" and head[1:2] in b"123456" and head[2:3].isspace())
    )
    return "" if known else "without suffix, and no image by its first bytes"
