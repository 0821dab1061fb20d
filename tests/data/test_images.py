"""Image files of every mode, made here, against values known beforehand."""

import io

import numpy as np
import pytest
from PIL import Image, UnidentifiedImageError

from elf_keras.data import image_formats, images, splits


def stored(image, kind="PNG", **options):
    file = io.BytesIO()
    image.save(file, kind, **options)
    file.seek(0)
    return file


def colour(mode, value):
    return stored(Image.new(mode, (4, 4), value))


@pytest.mark.parametrize(
    ("mode", "value", "expected"),
    [
        ("L", 90, (90, 90, 90)),
        ("1", 1, (255, 255, 255)),
        ("RGB", (10, 20, 30), (10, 20, 30)),
        ("RGBA", (10, 20, 30, 255), (10, 20, 30)),
        ("RGBA", (10, 20, 30, 0), (255, 255, 255)),
        ("LA", (50, 255), (50, 50, 50)),
        ("I;16", 0x7F30, (0x7F, 0x7F, 0x7F)),
    ],
)
def test_every_mode_becomes_rgb(mode, value, expected):
    found = images.read(colour(mode, value), 4)
    assert found.shape == (4, 4, 3)
    assert found.dtype == np.uint8
    assert (found == expected).all()


def test_palette_with_a_transparent_colour():
    image = Image.new("P", (4, 4), 1)
    image.putpalette([9, 9, 9, 40, 50, 60])
    assert (images.read(stored(image), 4) == (40, 50, 60)).all()
    clear = stored(image, transparency=1)
    assert (images.read(clear, 4) == 255).all()


def test_cmyk_jpeg_and_animated_gif():
    cmyk = stored(Image.new("CMYK", (8, 8), (0, 0, 0, 0)), "JPEG")
    assert (images.read(cmyk, 8) >= 250).all()
    first, second = Image.new("L", (4, 4), 0), Image.new("L", (4, 4), 255)
    gif = stored(first, "GIF", save_all=True, append_images=[second])
    assert (images.read(gif, 4) == 0).all()


def test_exif_rotation_is_undone():
    pixels = np.zeros((4, 4, 3), np.uint8)
    pixels[0] = 200
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was turned: rotate by 270 degrees
    found = images.read(stored(Image.fromarray(pixels), exif=exif), 4)
    np.testing.assert_array_equal(found, np.rot90(pixels, 3))


def test_right_size_is_kept_bit_by_bit():
    pixels = np.random.RandomState(0).randint(0, 256, (4, 4, 3), np.uint8)
    found = images.read(stored(Image.fromarray(pixels)), 4)
    np.testing.assert_array_equal(found, pixels)


def test_longer_side_is_cropped_to_the_centre():
    pixels = np.zeros((4, 8, 3), np.uint8)
    pixels[:, 2:6] = 100
    image = Image.fromarray(pixels)
    assert (images.read(stored(image), 4) == 100).all()
    whole = np.asarray(image.resize((4, 2), Image.Resampling.BILINEAR))
    np.testing.assert_array_equal(images.read(stored(image), 2), whole[:, 1:3])


def test_shrinking_averages_and_small_images_grow():
    board = np.indices((32, 32)).sum(0) % 2 * 255
    grey = stored(Image.fromarray(board.astype(np.uint8)))
    assert abs(images.read(grey, 4).astype(int) - 127).max() < 10
    assert images.read(colour("L", 7), 9).shape == (9, 9, 3)


def test_large_jpeg_agrees_with_full_decoding():
    ramp = np.linspace(0, 255, 256)[None, :, None] * np.ones((256, 1, 3))
    file = stored(Image.fromarray(ramp.astype(np.uint8)), "JPEG", quality=95)
    found = images.read(file, 16).astype(int)
    expected = ramp.reshape(16, 16, 16, 16, 3).mean((1, 3))
    assert abs(found - expected).max() < 6


def test_bombs_cut_files_and_text_are_given_reasons(tmp_path, monkeypatch):
    # Nine pixels: Pillow itself only warns up to twice its limit.
    Image.new("L", (3, 3), 5).save(tmp_path / "good.png")
    Image.new("L", (4, 3)).save(tmp_path / "large.png")
    Image.new("L", (9, 9)).save(tmp_path / "bomb.png")
    whole = (tmp_path / "good.png").read_bytes()
    (tmp_path / "cut.png").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "text.png").write_text("not an image")
    (tmp_path / "empty.png").write_bytes(b"")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 9)
    names = ["good", "large", "bomb", "cut", "text", "empty", "absent"]
    paths = [tmp_path / f"{name}.png" for name in names]
    found, reasons = images.read_all(paths, 3)
    assert found.shape == (7, 3, 3, 3)
    assert (found[0] == 5).all()
    assert not found[1:].any()
    special, by_header = images.scan(paths)
    assert not special.any()
    for told in (reasons, by_header):
        assert [bool(reason) for reason in told] == [False] + [True] * 6
        assert "too many" in told[1]
        assert not any("\n" in reason for reason in told)


def test_a_program_is_no_image(tmp_path):
    """Pillow would hand PostScript to an interpreter."""
    path = tmp_path / "photo.jpg"
    image = Image.new("RGB", (8, 8))
    image.save(path, "EPS")
    with Image.open(path) as opened:
        assert opened.format == "EPS"
    with pytest.raises(UnidentifiedImageError):
        images.read(path, 8)
    with pytest.raises(UnidentifiedImageError):
        images.upright(path)
    _, (reason,) = images.scan([path])
    assert "cannot identify" in reason


@pytest.mark.parametrize(
    "kind", ["JPEG", "MPO", "PNG", "TIFF", "PPM", "BMP", "WEBP", "GIF"]
)
def test_formats_that_a_folder_may_hold(tmp_path, kind):
    path = tmp_path / "image"
    Image.new("RGB", (8, 8), (255, 255, 255)).save(path, kind)
    assert (images.read(path, 4) == 255).all()


def test_resized_keeps_labels_and_constant_colours():
    pixels = np.full((2, 8, 8, 3), (1, 2, 3), np.uint8)
    examples = splits.Examples(pixels, np.array([1, 0], np.int32), ("a", "b"))
    found = images.resized(examples, 16)
    assert found.images.shape == (2, 16, 16, 3)
    assert (found.images == (1, 2, 3)).all()
    assert found.names == ("a", "b")
    assert found.labels is examples.labels


def test_a_photo_of_a_phone_that_nothing_here_reads_names_the_extra(
    tmp_path, monkeypatch
):
    readable = image_formats.FORMATS
    monkeypatch.setattr(image_formats, "readable", lambda: readable)
    told = '.heic needs pillow-heif (pip install pillow-heif, or "elf_keras'
    # Many are named by what they were sent as.
    for name in ("photo.heic", "photo.jpg"):
        path = tmp_path / name
        path.write_bytes(b"\0\0\0\x18ftypheic" + bytes(99))
        assert images.attempt(path, 4)[1].startswith(told)
        assert images.scan([path])[1][0].startswith(told)
    path.write_bytes(b"\0\0\0\x18ftypisom" + bytes(99))
    assert images.attempt(path, 4)[1] == "cannot identify an image in it"


def test_a_photo_of_a_phone_is_turned_and_scanned_by_its_header(
    tmp_path, monkeypatch
):
    heif = pytest.importorskip("pillow_heif")
    heif.register_heif_opener()
    pixels = np.zeros((64, 32, 3), np.uint8)
    pixels[:32] = 200
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was turned: rotate by 270 degrees
    path = tmp_path / "photo.heic"
    Image.fromarray(pixels).save(path, "HEIF", exif=exif.tobytes())
    found = images.upright(path).astype(int)
    assert found.shape == (32, 64, 3)
    assert abs(found - np.rot90(pixels, 3)).max() < 12
    assert images.scan([path]) == ([True], [""])
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 64 * 32 - 1)
    assert images.scan([path])[1] == ["2048 pixels are too many"]
