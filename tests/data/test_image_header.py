"""Pixels by the header: as Pillow counts them, and bombs are refused."""

import io
import struct
import zlib

import pytest
import tensorflow as tf
from PIL import Image

from elf_keras.data import image_header

SAVED = {
    "jpeg": {"format": "JPEG"},
    "progressive": {"format": "JPEG", "progressive": True},
    "png": {"format": "PNG"},
    "bmp": {"format": "BMP"},
    "webp": {"format": "WEBP"},
    "webp lossless": {"format": "WEBP", "lossless": True},
    "webp extended": {"format": "WEBP", "exif": b"Exif\0\0MM\0*\0\0\0\x08\0\0"},
}


def saved(how, size):
    file = io.BytesIO()
    Image.new("RGB", size, (9, 99, 199)).save(file, **SAVED[how])
    return file.getvalue()


@pytest.mark.parametrize("how", SAVED)
@pytest.mark.parametrize("size", [(300, 17), (1, 1), (17, 300)])
def test_the_limit_falls_between_a_pixel_more_and_less(monkeypatch, how, size):
    content = saved(how, size)
    with Image.open(io.BytesIO(content)) as image:
        pixels = image.width * image.height
    monkeypatch.setattr(image_header, "MOST_PIXELS", pixels)
    assert image_header.bounded(content).numpy() == content
    monkeypatch.setattr(image_header, "MOST_PIXELS", pixels - 1)
    with pytest.raises(tf.errors.InvalidArgumentError, match="too many"):
        image_header.bounded(content)


def png_header(width, height):
    """The first chunk of a PNG; decoders that believe it fetch memory."""
    data = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunk = struct.pack(">I", 13) + data + struct.pack(">I", zlib.crc32(data))
    return b"\x89PNG\r\n\x1a\n" + chunk


def bmp_header(width, height):
    return b"BM" + bytes(16) + struct.pack("<iiHH", width, height, 1, 24)


BOMBS = {
    "png": png_header(20_000, 20_000),
    "png beyond 63 bits": png_header(2**32 - 1, 2**32 - 1),
    "bmp": bmp_header(30_000, 30_000),
    "bmp from the top": bmp_header(30_000, -30_000),
}


@pytest.mark.parametrize("bomb", BOMBS)
def test_bombs_are_refused_by_their_header_alone(bomb):
    with pytest.raises(tf.errors.InvalidArgumentError, match="too many"):
        image_header.bounded(BOMBS[bomb])


@pytest.mark.parametrize("content", [b"", b"B", b"\x89PNG", b"text", b"GIF7"])
def test_what_is_no_image_is_left_to_the_decoder(content):
    assert image_header.bounded(content).numpy() == content


@pytest.mark.parametrize("begins", [b"\xff\x0a", b"\0\0\0\x0cJXL \r\n\x87\n"])
def test_jpeg_xl_is_refused_as_pillow_refuses_it(begins):
    """TensorFlow decodes it; training and servers would see other images."""
    with pytest.raises(tf.errors.InvalidArgumentError, match="a JPEG XL image"):
        image_header.bounded(begins + bytes(40))


@pytest.mark.parametrize("screen", [(8, 8), (65535, 65535)])
def test_a_gif_is_refused_whatever_its_header_says(screen):
    """Each of its pictures has a size of its own, and all are decoded."""
    content = b"GIF89a" + struct.pack("<HHBBB", *screen, 0, 0, 0)
    with pytest.raises(tf.errors.InvalidArgumentError, match="a GIF image"):
        image_header.bounded(content)


def test_the_limit_is_pillows():
    assert image_header.MOST_PIXELS == Image.MAX_IMAGE_PIXELS
