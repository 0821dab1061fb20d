"""Files decoded inside the graph are the pixels that training sees."""

import io

import exported
import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from elf_keras.data import images
from elf_keras.deploy import decoding, orientation

pytestmark = pytest.mark.slow

LIMITS = [0.6, 0.6]


def picture(height, width, *, channels=3):
    """Smooth colours, as photographs have; uint8."""
    random = np.random.default_rng(height * width)
    coarse = random.integers(256, size=(4, 5, 3)).astype("uint8")
    fine = Image.fromarray(coarse).resize((width, height), Image.BICUBIC)
    return np.asarray(fine if channels == 3 else fine.convert("L"))


def encoded(pixels, kind="PNG", **options) -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, kind, **options)
    return file.getvalue()


def ask(files):
    limits, given = exported.rows(LIMITS, len(files)), np.array(files, object)
    return exported.ask("dynamic_jpeg", "image_bytes", given, limits)


def ask_pixels(pixels):
    limits = exported.rows(LIMITS, len(pixels))
    return exported.ask("dynamic", "image", np.float32(pixels), limits)


def same(found, expected, tolerance=1e-5):
    np.testing.assert_array_equal(found["exit"], expected["exit"])
    np.testing.assert_array_equal(found["class"], expected["class"])
    for name in ("confidence", "probabilities", "scores"):
        np.testing.assert_allclose(found[name], expected[name], atol=tolerance)


@pytest.mark.parametrize("kind", ["PNG", "BMP", "WEBP"])
def test_a_file_without_loss_is_its_pixels(kind):
    pixels = exported.images()[:5].astype("uint8")
    options = {"lossless": True} if kind == "WEBP" else {}
    files = [encoded(image, kind, **options) for image in pixels]
    same(ask(files), ask_pixels(pixels))


@pytest.mark.parametrize(("kind", "tolerance"), [("PNG", 0.1), ("JPEG", 0.25)])
def test_a_batch_of_different_sizes(kind, tolerance):
    """Each as alone; another image's size does not move a resize."""
    sizes = [(8, 8), (20, 31), (31, 20), (5, 6), (64, 64)]
    if kind == "JPEG":
        sizes = [(200, 300), (40, 30)]
    files = [encoded(picture(*size), kind) for size in sizes]
    together = ask(files)
    for row, file in enumerate(files):
        alone = ask([file])
        same({k: v[row : row + 1] for k, v in together.items()}, alone)
    read = [images.read(io.BytesIO(file), 8) for file in files]
    same(together, ask_pixels(read), tolerance)


@pytest.mark.parametrize("endian", "<>")
@pytest.mark.parametrize("asked", range(1, 9))
def test_a_photo_is_turned_by_its_tag(asked, endian):
    tag = Image.Exif()
    tag.endian = endian
    tag[0x010F], tag[0x0112], tag[0x0132] = "a camera", asked, "a date"
    file = encoded(picture(40, 24), "JPEG", exif=tag, quality=95)
    assert (b"Exif\0\0II" if endian == "<" else b"Exif\0\0MM") in file
    assert orientation.orientation(tf.constant(file)) == asked
    expected = images.read(io.BytesIO(file), 8)
    found = decoding.decode(tf.constant(file), (8, 8, 3)).numpy()
    assert np.abs(found - expected).mean() <= 2
    # Cut off anywhere, it is a number from 1 to 8 all the same.
    for length in range(2, 120):
        found = orientation.orientation(tf.constant(file[:length]))
        assert found in (1, asked)


@pytest.mark.parametrize("tag", [b"", b"\xff", b"II*\0" + b"\xff" * 40])
def test_a_damaged_tag_turns_nothing(tag):
    begins = b"\xff\xd8\xff\xe1\0\x80Exif\0\0"
    assert orientation.orientation(tf.constant(begins + tag)) == 1


@pytest.mark.parametrize("size", [(24, 40), (20, 20), (12, 31)])
def test_the_part_of_the_side_that_is_kept(size):
    """The halves of a pixel are those of Python's round."""
    file = encoded(picture(*size), "PNG")
    expected = images.read(io.BytesIO(file), 8, kept=224 / 256)
    found = decoding.decode(tf.constant(file), (8, 8, 3), 224 / 256)
    assert np.abs(found.numpy() - expected).max() <= 1


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("size", [(8, 8), (9, 8), (20, 31), (31, 20), (5, 7)])
@pytest.mark.parametrize(
    "kind", ["PNG", "BMP", "WEBP", "JPEG", "grey PNG", "grey JPEG"]
)
def test_decoding_is_that_of_training(kind, size, channels):
    """A rounding apart; JPEG's own rounding differs between decoders."""
    grey, kind = kind.startswith("grey"), kind.split()[-1]
    file = encoded(picture(*size, channels=1 if grey else 3), kind)
    expected = images.read(io.BytesIO(file), 8, channels=channels)
    found = decoding.decode(tf.constant(file), (8, 8, channels)).numpy()
    assert found.shape == (8, 8, channels)
    difference = np.abs(found - expected)
    assert difference.max() <= (6 if kind == "JPEG" else 1)
    assert difference.mean() <= (2 if kind == "JPEG" else 0.5)
    assert (found == np.round(found)).all()
