"""Image files of any kind as square uint8 RGB, by Pillow.

Training and prediction read files here, so both see the same pixels.
"""

import concurrent.futures
import contextlib
import dataclasses
import logging
import os
import pathlib
import re
import warnings
from collections.abc import Sequence
from typing import BinaryIO

import numpy as np

from elf_keras.data import file_ends, image_formats, splits
from elf_keras.runs import progress

BACKGROUND = "white"
_ORIENTATION = 0x0112
# What Pillow warns of, in no file's name, it reads all the same or refuses.
_WARNINGS = ("ignore", None, Warning, re.compile(r"PIL\."), 0)


def read(
    file: str | pathlib.Path | BinaryIO,
    size: int,
    *,
    channels: int = 3,
    kept: float = 1.0,
) -> np.ndarray:
    """One image as scoring sees it: upright, centre square, resized.

    Antialiased bilinear; a smaller image is enlarged; transparent pixels
    become white, 16-bit grey keeps its upper 8 bits. The square is `kept`
    times the shorter side, (0, 1].

    Returns:
      uint8 (size, size, channels), of 3 for RGB or 1 for grey.

    Raises:
      OSError, ValueError, SyntaxError and others of Pillow's: not an
        image, cut off, or larger than `Image.MAX_IMAGE_PIXELS`.
    """
    from PIL import Image, ImageOps

    with _opened(file) as image:
        # JPEG alone: decodes at a lower resolution, still twice the need.
        image.draft(None, (2 * size, 2 * size))
        turned = _rgb(ImageOps.exif_transpose(image))
    if channels == 1:
        turned = turned.convert("L")
    width, height = turned.size
    side = max(round(kept * min(width, height)), 1)
    left, top = (width - side) // 2, (height - side) // 2
    square = (left, top, left + side, top + side)
    if side == size:
        found = turned.crop(square)
    else:
        bilinear = Image.Resampling.BILINEAR
        found = turned.resize((size, size), bilinear, box=square)
    return np.asarray(found).reshape(size, size, channels)


def attempt(
    file: str | pathlib.Path | BinaryIO, size: int, **options
) -> tuple[np.ndarray | None, str]:
    """As `read`, but a file that is no image gives None and the reason."""
    try:
        return read(file, size, **options), ""
    except Exception as error:  # Pillow's decoders raise many types
        return None, reason_of(error, file)


def reason_of(error: Exception, file=None) -> str:
    """Why an image cannot be read, in a few words that many files share.

    `file` tells more of a format that an installation makes readable.
    """
    from PIL import UnidentifiedImageError

    if isinstance(error, UnidentifiedImageError):
        needed = image_formats.needed_by(file)
        return needed or "cannot identify an image in it"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    # Pillow counts the bytes that were left over, in parentheses.
    text = re.sub(r" \(\d.*\)$", "", str(error).partition("\n")[0])
    return text or type(error).__name__


def upright(file: str | pathlib.Path, least: int | None = None) -> np.ndarray:
    """A whole image, uint8 (height, width, 3), by the rules of `read`.

    JPEG comes at a half, a quarter or an eighth of its size, as long as its
    shorter side keeps `least` pixels. Photos of phones are turned: decoded
    whole, one would take longer than its training step.
    """
    from PIL import ImageOps

    with _opened(file) as image:
        if least is not None:
            image.draft(None, (least, least))
        return np.asarray(_rgb(ImageOps.exif_transpose(image)))


def sides(file: str | pathlib.Path) -> tuple[int, int] | None:
    """Pixels of an image's sides, the shorter first; None if unreadable."""
    try:
        with _opened(file) as image:
            return tuple(sorted(image.size))
    # Pillow raises many types; why a file fails is told where it is read.
    except Exception:
        return None


def read_all(
    paths: Sequence[pathlib.Path],
    size: int,
    counter: progress.Counter | None = None,
) -> tuple[np.ndarray, list[str]]:
    """All files, on a few threads, with why those that failed did.

    `counter` is that of all files, where these are some of them.

    Returns:
      Images uint8 (files, size, size, 3), zeros where reading failed, and
      for each file the reason of its failure or "".
    """
    found = np.zeros((len(paths), size, size, 3), np.uint8)

    def fill(index: int) -> str:
        image, reason = attempt(paths[index], size)
        if image is not None:
            found[index] = image
        return reason

    counter = counter or progress.Counter("reading", len(paths), "files")
    return found, _on_threads(fill, range(len(paths)), counter)


def scan(paths: Sequence[pathlib.Path]) -> tuple[np.ndarray, list[str]]:
    """Look at every file's header and end, on a few threads.

    A file that does not end as its format does is decoded.

    Returns:
      Which files are special: turned, transparent, of 16 bits or another
      format than JPEG and PNG, so that only Pillow reads them by the rules
      of `read`; and for each file why it cannot be read, or "".
    """
    counter = progress.Counter("checking", len(paths), "files")
    found = _on_threads(_scanned, paths, counter)
    special = np.array([each is True for each in found], bool)
    return special, [each if isinstance(each, str) else "" for each in found]


def resized(examples: splits.Examples, image_size: int) -> splits.Examples:
    """The same examples at `image_size` pixels square (antialiased)."""
    from PIL import Image

    count, _, _, channels = examples.images.shape
    found = np.empty((count, image_size, image_size, channels), np.uint8)
    for old, new in zip(examples.images, found, strict=True):
        for channel in range(channels):
            plane = Image.fromarray(old[..., channel])
            new[..., channel] = plane.resize(
                (image_size, image_size), Image.Resampling.BILINEAR
            )
    return dataclasses.replace(examples, images=found)


def _on_threads(task, items, counter):
    def counted(item):
        done = task(item)
        counter.add()
        return done

    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        return list(pool.map(counted, items))


def _scanned(path: pathlib.Path) -> bool | str:
    """Whether a file is special, or why it cannot be read."""
    try:
        with path.open("rb") as file, _opened(file) as image:
            plain = (
                image.format in ("JPEG", "MPO", "PNG")
                and image.mode in ("RGB", "L")
                and not image.has_transparency_data
                and image.getexif().get(_ORIENTATION, 1) == 1
            )
            whole = file_ends.looks_whole(file, image)
        if not whole:
            read(path, 1)
        # TensorFlow refuses a PNG file without its end, Pillow does not.
        return not plain or not whole and image.format == "PNG"
    except Exception as error:  # Pillow's decoders raise many types
        return reason_of(error, path)


@contextlib.contextmanager
def _opened(file):
    """Pillow's image of a file, not decoded, without a word on stderr."""
    from PIL import Image

    if _WARNINGS not in warnings.filters:
        action, _, category, module, _ = _WARNINGS
        warnings.filterwarnings(action, "", category, module.pattern)
        logging.getLogger("PIL").setLevel(logging.CRITICAL)
    with Image.open(file, formats=image_formats.readable()) as image:
        pixels = image.width * image.height
        if pixels > Image.MAX_IMAGE_PIXELS:
            raise ValueError(f"{pixels} pixels are too many")
        if image.mode == "F":
            raise ValueError("floating-point pixels have no known range")
        # Of PNG and PGM they are 16 bits.
        if image.mode == "I" and image.format not in ("PNG", "PPM"):
            raise ValueError("signed or 32-bit pixels have no known range")
        yield image


def _rgb(image):
    from PIL import Image

    if image.mode.startswith("I"):
        # 16-bit grey; Pillow's own conversion would clip at 255.
        upper = np.asarray(image).astype(np.int64) >> 8
        image = Image.fromarray(np.clip(upper, 0, 255).astype(np.uint8))
    if image.has_transparency_data:
        clear = image.convert("RGBA")
        image = Image.new("RGBA", clear.size, BACKGROUND)
        image.alpha_composite(clear)
    return image.convert("RGB")
