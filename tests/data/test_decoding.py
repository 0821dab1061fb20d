"""Files decoded by TensorFlow, against Pillow by the same rules."""

import numpy as np
import photo_folders
import pytest
import tensorflow as tf
from PIL import Image

from elf_keras.data import augment, decoding, image_files, images


def opened(root, names, size=16, **options):
    return photo_folders.opened(root, names, size, **options).images


@pytest.mark.slow
def test_files_behave_as_an_array(tmp_path):
    files = photo_folders.flat(tmp_path, 5).images
    assert files.shape == (5, 8, 8, 3)
    assert files.dtype == np.uint8
    pixels = np.asarray(files)
    assert pixels.max((1, 2, 3)).tolist() == [0, 10, 20, 30, 40]
    assert (files[3] == 30).all()
    assert np.asarray(files[::2])[:, 0, 0, 0].tolist() == [0, 20, 40]
    assert np.asarray(files[np.array([4, 0])])[:, 0, 0, 0].tolist() == [40, 0]
    assert np.asarray(files, "float32").dtype == np.float32
    np.testing.assert_array_equal(list(files), pixels)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["png", "jpg"])
def test_evaluation_agrees_with_pillow(tmp_path, kind):
    sizes = [(60, 80), (90, 30), (16, 16), (9, 7)]
    names = [f"{height} x {width}.{kind}" for height, width in sizes]
    for name, size in zip(names, sizes, strict=True):
        photo_folders.save(tmp_path / name, photo_folders.smooth(1, size))
    for name, found in zip(names, opened(tmp_path, names), strict=True):
        photo_folders.agree(found, images.read(tmp_path / name, 16), name)


def test_large_jpegs_are_decoded_small_and_agree(tmp_path):
    photo = photo_folders.smooth(2, (800, 1000))
    photo_folders.save(tmp_path / "large.jpg", photo, quality=95)
    found = opened(tmp_path, ["large.jpg"])[0]
    square = photo.crop((100, 0, 900, 800))
    expected = square.resize((16, 16), Image.Resampling.BILINEAR)
    # Decoded at an eighth, its first average has another weighting.
    photo_folders.agree(found, np.asarray(expected), inside=8)


@pytest.mark.slow
@pytest.mark.parametrize("smallest", [None, 0.4])
def test_turned_photos_are_decoded_small_and_agree(tmp_path, smallest):
    """As the same photo that is saved upright; phones turn theirs."""
    photo = photo_folders.smooth(2, (800, 1000))
    turned = Image.Exif()
    turned[0x0112] = 6  # to be seen, turn it by a quarter, clockwise
    photo_folders.save(tmp_path / "turned.jpg", photo, quality=95, exif=turned)
    upright = photo.transpose(Image.Transpose.ROTATE_270)
    photo_folders.save(tmp_path / "upright.jpg", upright, quality=95)
    sizes, found = [], []

    def whole(path, least):
        pixels = images.upright(path.decode(), least)
        sizes.append(pixels.shape)
        return pixels

    numbers = tf.random.stateless_uniform((augment.NUMBERS,), (1, 2))
    rule = augment.Augmentation(resized=True, smallest_area=smallest or 1)

    @tf.function(autograph=False)
    def read(path, special):
        known = {"size": 32, "whole": whole}
        if smallest is None:
            return decoding.evaluation_image(path, special, kept=1.0, **known)
        return decoding.training_image(
            path, special, numbers, rule=rule, **known
        )

    for name, special in (("turned", True), ("upright", None)):
        path = tf.constant(str(tmp_path / f"{name}.jpg"))
        found.append(read(path, special).numpy().astype(int))
    assert sizes == [(125, 100, 3)]
    # Windows end on pixels of what is decoded, at an eighth of the photo.
    apart = abs(found[0] - found[1])
    assert apart.max() < 16
    assert apart.mean() < 2


@pytest.mark.slow
def test_kept_share_is_the_papers_resize_and_crop(tmp_path):
    photo = photo_folders.smooth(3, (128, 192))
    photo_folders.save(tmp_path / "photo.png", photo)
    files = opened(tmp_path, ["photo.png"], size=56, kept=224 / 256)
    # Shorter side to 64, centre 56: as 256 and 224.
    whole = photo.resize((96, 64), Image.Resampling.BILINEAR)
    photo_folders.agree(files[0], np.asarray(whole.crop((20, 4, 76, 60))))


@pytest.mark.slow
def test_what_only_pillow_reads_by_our_rules(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    photo_folders.smooth(4).save(tmp_path / "turned.jpg", exif=exif)
    made = {
        "clear.png": Image.new("RGBA", (20, 20), (9, 9, 9, 0)),
        "deep.png": Image.new("I;16", (9, 9), 0x7F30),
        "moving.gif": Image.new("L", (9, 9), 40),
        "plain.png": Image.new("L", (9, 9), 40),
    }
    for name, image in made.items():
        image.save(tmp_path / name)
    files = opened(tmp_path, ["turned.jpg", *made])
    assert files.special.tolist() == [True] * 4 + [False]
    for name, found in zip(files.names, files, strict=True):
        photo_folders.agree(found, images.read(tmp_path / name, 16))


@pytest.mark.slow
def test_content_decides_not_the_name(tmp_path):
    photo_folders.smooth(5).save(tmp_path / "a.JPEG", format="PNG")
    Image.new("CMYK", (20, 20), (0, 0, 0, 0)).save(tmp_path / "b.JPEG")
    files = image_files.of(tmp_path, ["a.JPEG", "b.JPEG"], size=16)
    assert files.special.tolist() == [False, True]
    found = np.asarray(files)
    photo_folders.agree(found[0], images.read(tmp_path / "a.JPEG", 16))
    assert (found[1] >= 250).all()


# Larger windows to larger images: files are resized without a filter.
@pytest.mark.slow
@pytest.mark.parametrize(
    ("smallest", "size"), [(augment.SMALLEST_AREA, 16), (0.7, 48)]
)
def test_training_window_is_cut_from_the_file(tmp_path, smallest, size):
    """One window, whatever the format: a slice of the whole image."""
    whole = photo_folders.smooth(6, (64, 96))
    numbers = tf.random.stateless_uniform((augment.NUMBERS,), (1, 2))
    rule = augment.Augmentation(resized=True, smallest_area=smallest)
    found = augment.window(64, 96, numbers, smallest).numpy()
    top, left, height, width = found
    box = (left, top, left + width, top + height)
    expected = whole.crop(box).resize((size, size), Image.Resampling.BILINEAR)
    for special in (None, tf.constant(False), tf.constant(True)):
        read = tf.function(decoding.training_image, autograph=False)
        for name in ("photo.png", "photo.jpg"):
            whole.save(tmp_path / name, quality=98)
            path = tf.constant(str(tmp_path / name))
            found = read(path, special, numbers, size=size, rule=rule)
            found = found.numpy().astype(int)
            np.testing.assert_allclose(found, np.asarray(expected), atol=8)


def test_large_files_of_any_kind_are_averaged_before_a_window(tmp_path):
    board = (np.indices((256, 256)).sum(0) % 2 * 255).astype(np.uint8)
    photo_folders.save(tmp_path / "board.png", Image.fromarray(board))
    path = tf.constant(str(tmp_path / "board.png"))
    numbers = tf.fill((augment.NUMBERS,), 0.999)
    found = decoding.training_image(path, None, numbers, size=16)
    assert abs(found.numpy().astype(int) - 127).max() < 10
