"""Image files that no training should fall over."""

import io
import pathlib
import struct
import zlib

import numpy as np
import photo_folders
from PIL import Image

# By far more than memory, or than an image of a data set has.
WIDE = 30_000


def image_bytes(kind="PNG", size=(40, 30), seed=0) -> bytes:
    """A photo of noise."""
    pixels = np.random.default_rng(seed).integers(0, 256, (*size, 3))
    file = io.BytesIO()
    Image.fromarray(pixels.astype("uint8")).save(file, kind)
    return file.getvalue()


def _chunk(name, data):
    body = name + data
    return (
        struct.pack(">I", len(data))
        + body
        + struct.pack(">I", zlib.crc32(body))
    )


def png_bomb() -> bytes:
    """A sound PNG of 900 million pixels in about 110 kB."""
    header = struct.pack(">IIBBBBB", WIDE, WIDE, 1, 0, 0, 0, 0)
    packer = zlib.compressobj(9)
    row = bytes(1 + (WIDE + 7) // 8)
    data = b"".join(packer.compress(row) for _ in range(WIDE))
    data += packer.flush()
    return (
        b"\x89PNG\r\n\x1a\n"
        + _chunk(b"IHDR", header)
        + _chunk(b"IDAT", data)
        + _chunk(b"IEND", b"")
    )


def _huge(kind, before, form, side) -> bytes:
    """A sound file, but for the sides that follow some bytes of its header."""
    content = bytearray(image_bytes(kind))
    start = content.index(before) + len(before)
    sides = struct.pack(form, side, side)
    content[start : start + len(sides)] = sides
    return bytes(content)


def _cut(content):
    return content[: len(content) // 2]


def _noisy(content):
    """Noise in the middle, the header left as it was."""
    middle = len(content) // 2
    noise = np.random.default_rng(1).bytes(len(content) // 4)
    return content[:middle] + noise + content[middle + len(noise) :]


# Those that a header or an end gives away, and those that only decoding finds.
BEFORE_DECODING = {
    "zero.png": b"",
    "zero.jpg": b"",
    "text.png": b"not an image\n",
    "page.jpg": b"<html><body>404</body></html>",
    "noise.jpg": np.random.default_rng(0).bytes(2000),
    "bomb.png": png_bomb(),
    "bomb.jpg": _huge("JPEG", b"\xff\xc0\x00\x11\x08", ">HH", 65_500),
    "bomb.gif": _huge("GIF", b"GIF87a", "<HH", 65_535),
    # Its screen is small.
    "bomb_picture.gif": _huge("GIF", b"\x2c" + bytes(4), "<HH", 20_000),
    "bomb.bmp": _huge("BMP", struct.pack("<I", 40), "<ii", WIDE),
    "jpeg_cut_in_its_header.jpg": image_bytes("JPEG")[:20],
    "cut.png": _cut(image_bytes("PNG")),
    "corrupt.png": _noisy(image_bytes("PNG")),
    "cut.jpg": _cut(image_bytes("JPEG")),
    "cut.bmp": _cut(image_bytes("BMP")),
}
BY_DECODING = {
    "spoiled.jpg": photo_folders.spoiled(image_bytes("JPEG")),
}
# A wrong suffix is no fault: the bytes say what a file is.
MISNAMED = {
    "jpeg_called.png": image_bytes("JPEG"),
    "png_called.jpg": image_bytes("PNG"),
    "bmp_called.jpeg": image_bytes("BMP"),
}


def write(folder: pathlib.Path, files: dict[str, bytes]) -> None:
    """Write files by name."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (folder / name).write_bytes(content)


def photos(folder: pathlib.Path, count: int) -> pathlib.Path:
    """Draw two classes of `count` sound images each."""
    for label in range(2):
        names = (f"{label}_{index}.png" for index in range(count))
        sound = {
            name: image_bytes(seed=2 * index + label, size=(10, 9))
            for index, name in enumerate(names)
        }
        write(folder / f"class_{label}", sound)
    return folder
