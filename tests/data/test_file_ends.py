"""Files that broke off, of every format, and files with more at their end."""

import io
import warnings

import numpy as np
import photo_folders
import pytest
from PIL import Image

from elf_keras.data import image_formats, images

KINDS = [
    *("JPEG", "MPO", "PNG", "GIF", "WEBP", "TIFF", "BMP", "PPM"),
    *image_formats.readable()[len(image_formats.FORMATS) :],
]


def scanned(tmp_path, content):
    path = tmp_path / "image"
    path.write_bytes(content)
    (special,), (reason,) = images.scan([path])
    return bool(special), reason


def content(tmp_path, kind, **options):
    # Noise: no format makes little of it.
    random = np.random.default_rng(0)
    noise = random.integers(0, 256, (60, 60, 3), "uint8")
    path = tmp_path / "whole"
    photo_folders.save(path, Image.fromarray(noise), format=kind, **options)
    return path.read_bytes()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("left", [0.4, 0.97])
def test_a_file_that_broke_off_is_found(tmp_path, kind, left):
    whole = content(tmp_path, kind)
    _, reason = scanned(tmp_path, whole[: int(left * len(whole))])
    assert reason
    assert "\n" not in reason
    assert str(tmp_path) not in reason


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("more", [b"", b"\0" * 5000, b"a trailer" * 500])
def test_more_at_the_end_is_no_fault(tmp_path, kind, more):
    assert scanned(tmp_path, content(tmp_path, kind) + more)[1] == ""


def test_packed_tiff_files(tmp_path):
    for packing in ("tiff_lzw", "tiff_adobe_deflate"):
        packed = content(tmp_path, "TIFF", compression=packing)
        assert scanned(tmp_path, packed) == (True, "")
        assert scanned(tmp_path, packed[:-9000])[1]


def test_a_png_that_lacks_only_its_end_is_read_by_pillow(tmp_path):
    """TensorFlow refuses it."""
    whole = content(tmp_path, "PNG")
    assert scanned(tmp_path, whole) == (False, "")
    assert scanned(tmp_path, whole[:-12]) == (True, "")


def test_empty_files_and_texts_have_a_reason(tmp_path):
    for text in (b"", b"404 not found", b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n"):
        assert scanned(tmp_path, text)[1]


def test_pixels_without_known_range_have_a_reason(tmp_path):
    file = io.BytesIO()
    Image.new("F", (9, 9)).save(file, "TIFF")
    assert "floating-point" in scanned(tmp_path, file.getvalue())[1]


def test_pillow_warns_in_no_files_name(tmp_path, capfd):
    """Of an EXIF tag that lies beyond the file; the photo is sound."""
    tag = b"\x0f\x01\x02\0\xff\xff\0\0\xff\xff\0\0"
    exif = b"Exif\0\0II*\0\x08\0\0\0\x05\0" + 2 * tag
    path = tmp_path / "photo.jpg"
    photo_folders.save(path, photo_folders.smooth(1), exif=exif)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        assert images.scan([path])[1] == [""]
        assert images.read(path, 8).any()
        assert images.upright(path).any()
    assert not caught
    assert capfd.readouterr().err == ""


def test_a_whole_file_is_not_decoded(tmp_path, monkeypatch):
    def refuse(*arguments):
        raise AssertionError(arguments)

    monkeypatch.setattr(images, "read", refuse)
    for kind in ("JPEG", "PNG", "GIF", "WEBP", "TIFF", "BMP"):
        assert scanned(tmp_path, content(tmp_path, kind))[1] == ""
