"""Small photos and folders of them, made for the tests of files."""

import pathlib

import numpy as np
from PIL import Image, PngImagePlugin

from elf_keras.data import image_files, images, splits


def smooth(seed: int, size=(60, 80)) -> Image.Image:
    """A photo without sharp edges, so that resizing rules agree on it."""
    random = np.random.default_rng(seed)
    coarse = random.integers(0, 256, (4, 5, 3), dtype="uint8")
    height, width = size
    return Image.fromarray(coarse).resize(
        (width, height), Image.Resampling.BICUBIC
    )


def save(path: pathlib.Path, image: Image.Image, **options) -> pathlib.Path:
    """Save an image, with the folders above it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    image.save(path, **options)
    return path


def save_commented(path: pathlib.Path, image: Image.Image) -> None:
    """Save a PNG with a comment, as photos have: no file is another's copy."""
    own = PngImagePlugin.PngInfo()
    own.add_text("of", ascii(path.as_posix()))
    save(path, image, pnginfo=own)


def opened(root: pathlib.Path, names, size=8, **options) -> splits.Examples:
    """Files that were scanned, labelled by their place."""
    special, reasons = images.scan([root / name for name in names])
    assert not any(reasons)
    files = image_files.of(
        root, list(names), size=size, special=special, **options
    )
    labels = np.arange(len(files), dtype="int32")
    return splits.Examples(files, labels, tuple(names))


def agree(found, expected, what="", inside=3) -> None:
    """Within rounding inside; Pillow's filter looks beyond the square."""
    difference = abs(found.astype(int) - expected.astype(int))
    assert difference[1:-1, 1:-1].max() <= inside, what
    assert difference.max() <= 12, what


def spoiled(content: bytes) -> bytes:
    """A JPEG file that no decoder reads; its header and end stay whole."""
    found = bytearray(content)
    # A Huffman table that promises more codes than there are.
    place = content.index(b"\xff\xc4") + 5
    found[place : place + 16] = b"\xff" * 16
    return bytes(found)


def damage(path: pathlib.Path) -> None:
    """Make a JPEG file `spoiled`."""
    path.write_bytes(spoiled(path.read_bytes()))


def flat(root: pathlib.Path, count: int, size=8) -> splits.Examples:
    """Files whose only colour tells their label: 10 times it."""
    names = [f"{number:03}.png" for number in range(count)]
    for number, name in enumerate(names):
        grey = (10 * number,) * 3
        save(root / name, Image.new("RGB", (12, 10 + number % 3), grey))
    return splits.Examples(
        image_files.of(root, names, size=size),
        np.arange(count, dtype="int32"),
        tuple(names),
    )


def published(root: pathlib.Path, lists: dict[str, str], counts) -> None:
    """List files and images, as many of each class in training as counted.

    `lists`: split -> name of its list. Splits but train have two of each class.
    """
    for split, file in lists.items():
        lines = []
        for label, count in enumerate(counts):
            for index in range(count if split == "train" else 2):
                name = f"{split}/n{label:04}/{index}.JPEG"
                save(root / name, smooth(label, (40, 50)), format="JPEG")
                lines.append(f"{name} {label}")
        (root / file).write_text("\n".join(lines) + "\n")
