"""Operations on images: Pillow's, and by hand."""

import numpy as np
import photo_folders
import pytest
import tensorflow as tf
from PIL import Image, ImageEnhance, ImageOps

from elf_keras.data import operations

GROUND = (128, 128, 128)
# Of 32 pixels or so, those of a shear or a rotation that lie on a tie.
TIES = 0.001


def moved(a, b, c, d, e, f):
    return lambda image: image.transform(
        image.size,
        Image.Transform.AFFINE,
        (a, b, c, d, e, f),
        Image.Resampling.NEAREST,
        fillcolor=GROUND,
    )


def of_pillow(name, value, image):
    width, height = image.size
    enhancers = {
        "brightness": ImageEnhance.Brightness,
        "contrast": ImageEnhance.Contrast,
        "color": ImageEnhance.Color,
        "sharpness": ImageEnhance.Sharpness,
    }
    if name in enhancers:
        return enhancers[name](image).enhance(value)
    return {
        "identity": lambda image: image,
        "shear_x": moved(1, value, 0, 0, 1, 0),
        "shear_y": moved(1, 0, 0, value, 1, 0),
        "translate_x": moved(1, 0, value * width, 0, 1, 0),
        "translate_y": moved(1, 0, 0, 0, 1, value * height),
        "rotate": lambda image: image.rotate(value, fillcolor=GROUND),
        "invert": ImageOps.invert,
        "solarize": lambda image: ImageOps.solarize(image, value),
        "posterize": lambda image: ImageOps.posterize(image, int(value)),
        "autocontrast": ImageOps.autocontrast,
        "equalize": ImageOps.equalize,
    }[name](image)


def values_of(name, count):
    """All that a policy may ask for, and the ends."""
    if name == "posterize":
        return np.resize(np.arange(1.0, 9), count)
    low, high = {
        "shear_x": (-0.3, 0.3),
        "shear_y": (-0.3, 0.3),
        "translate_x": (-0.46, 0.46),
        "translate_y": (-0.46, 0.46),
        "rotate": (-30, 30),
        "solarize": (0, 256),
    }.get(name, (0.1, 1.9))
    return np.linspace(low, high, count)


def operated(images, name, values):
    place = operations.OPERATIONS.index(name)
    return operations.operate(
        tf.constant(images),
        tf.fill((len(images),), place),
        tf.constant(values, tf.float32),
    ).numpy()


@pytest.fixture(scope="module")
def made():
    """Photos that are not square, dark, of few values, of one."""
    photos = [photo_folders.smooth(n, (24, 40)) for n in range(20)]
    pixels = np.stack([np.asarray(photo) for photo in photos])
    random = np.random.default_rng(0)
    pixels[0] = random.integers(0, 256, pixels.shape[1:])
    pixels[1] = 40 + pixels[1] // 4
    pixels[2] = pixels[2] // 100
    pixels[3], pixels[4, :, :, 0], pixels[5] = 90, 0, 255
    return pixels


@pytest.fixture(scope="module")
def cifar(test_data):
    if not (test_data / "cifar10").is_dir():
        pytest.skip(f"no cifar10/ in {test_data}")
    import tensorflow_datasets as tfds

    rows = tfds.load(
        "cifar10",
        split="test[:300]",
        data_dir=test_data,
        batch_size=-1,
        download=False,
    )
    return rows["image"].numpy()


@pytest.mark.parametrize("kind", ["made", "cifar"])
@pytest.mark.parametrize("name", operations.OPERATIONS)
def test_operations_are_those_of_pillow(request, name, kind):
    """To the bit, but that one pixel of 1,000 may be its neighbour."""
    images = request.getfixturevalue(kind)
    values = values_of(name, len(images)).astype(np.float32)
    found = operated(images, name, values)
    expected = [
        np.asarray(of_pillow(name, float(value), Image.fromarray(image)))
        for image, value in zip(images, values, strict=True)
    ]
    differ = (found != np.stack(expected)).any(-1)
    ties = name in ("shear_x", "shear_y", "rotate")
    assert differ.mean() <= (TIES if ties else 0)
    changes = (found != images).any((1, 2, 3)).mean()
    assert (changes == 0) == (name == "identity")


def test_every_image_has_its_own_operation(made):
    """In the order that they came in."""
    names = np.resize(np.random.default_rng(0).permutation(15), len(made))
    values = np.float32([0.5 * (name % 3) + 1 for name in names])
    found = operations.operate(
        tf.constant(made), tf.constant(names, tf.int32), tf.constant(values)
    )
    for image, name, value, after in zip(
        made, names, values, found.numpy(), strict=True
    ):
        alone = operated(image[None], operations.OPERATIONS[name], [value])
        np.testing.assert_array_equal(after, alone[0])


def test_a_batch_of_none(made):
    none = tf.constant([], tf.int32), tf.constant([], tf.float32)
    assert operations.operate(tf.constant(made[:0]), *none).shape == (
        *(0, 24, 40, 3),
    )


def row(*values):
    """An image of one row, grey."""
    return np.repeat(np.uint8(values)[None, None, :, None], 3, axis=-1)


@pytest.mark.parametrize(
    ("name", "value", "before", "after"),
    [
        ("translate_x", 0.25, (10, 20, 30, 40), (20, 30, 40, 128)),
        ("translate_x", -0.5, (10, 20, 30, 40), (128, 128, 10, 20)),
        ("invert", 0, (0, 1, 200, 255), (255, 254, 55, 0)),
        ("solarize", 200, (0, 199, 200, 255), (0, 199, 55, 0)),
        ("solarize", 256, (0, 199, 200, 255), (0, 199, 200, 255)),
        ("solarize", 0, (0, 199, 200, 255), (255, 56, 55, 0)),
        # 0b10110111 is 183, and 0b10110000 is 176.
        ("posterize", 4, (183, 15, 16, 255), (176, 0, 16, 240)),
        ("posterize", 8, (183, 15, 16, 255), (183, 15, 16, 255)),
        # (v - 50) · 255 / 100.
        ("autocontrast", 0, (50, 60, 100, 150), (0, 25, 127, 255)),
        ("autocontrast", 0, (70, 70, 70, 70), (70, 70, 70, 70)),
        ("brightness", 1.5, (0, 11, 100, 200), (0, 16, 150, 255)),
        ("brightness", 0.1, (0, 11, 100, 255), (0, 1, 10, 25)),
        # The mean is 100.
        ("contrast", 0.5, (0, 50, 150, 200), (50, 75, 125, 150)),
        ("contrast", 1.9, (0, 50, 150, 200), (0, 5, 195, 255)),
        ("color", 0.1, (7, 50, 150, 200), (7, 50, 150, 200)),
    ],
)
def test_rows_by_hand(name, value, before, after):
    np.testing.assert_array_equal(
        operated(row(*before), name, [value]), row(*after)
    )


def test_equalized_by_hand():
    """510 zeros, 255 ones, 255 twos and four of 3.

    A step is (1024 - 4) // 255 = 4 pixels; half of it and those below, over
    a step: (2 + 0) // 4, (2 + 510) // 4, (2 + 765) // 4, (2 + 1020) // 4.
    """
    values = np.repeat([0, 1, 2, 3], [510, 255, 255, 4])
    image = np.repeat(values.astype(np.uint8).reshape(1, 32, 32, 1), 3, -1)
    expected = np.repeat([0, 128, 191, 255], [510, 255, 255, 4])
    found = operated(image, "equalize", [0.0])
    np.testing.assert_array_equal(found[0, ..., 1].ravel(), expected)


def test_grey_and_half_grey_by_hand():
    """Red is 0.299 of grey: 76 of 255, half of which is left, rounded down."""
    red = np.uint8([[[[255, 0, 0]]]])
    assert operated(red, "color", [0.0]).ravel().tolist() == [76, 76, 76]
    assert operated(red, "color", [0.5]).ravel().tolist() == [165, 38, 38]


def test_a_sharpened_dot_by_hand():
    """13 in the centre: smooth is 5 there, 1 around."""
    dot = np.zeros((1, 5, 5, 3), np.uint8)
    dot[0, 2, 2] = 13
    smooth = operated(dot, "sharpness", [0.0])[0, ..., 0]
    expected = np.zeros((5, 5))
    expected[1:4, 1:4], expected[2, 2] = 1, 5
    np.testing.assert_array_equal(smooth, expected)
    sharp = operated(dot, "sharpness", [1.5])[0, ..., 0]
    # 5 + 1.5 · (13 - 5), and 1 + 1.5 · (0 - 1) is below 0.
    assert (sharp[2, 2], sharp[1, 1]) == (17, 0)


def test_shears_and_turns_by_hand():
    """Row y comes from y / 4 to the right; a quarter turn, counterclockwise."""
    image = np.arange(64, dtype=np.uint8).reshape(1, 8, 8, 1).repeat(3, -1)
    sheared = operated(image, "shear_x", [0.25])[0, ..., 0]
    # Pixel (0, 0) of row y lies at 1/2 + (y + 1/2) / 4.
    assert sheared[:, 0].tolist() == [0, 8, 17, 25, 33, 41, 50, 58]
    assert sheared[7].tolist() == [58, 59, 60, 61, 62, 63, 128, 128]
    turned = operated(image, "rotate", [90.0])[0, ..., 0]
    np.testing.assert_array_equal(turned, np.rot90(image[0, ..., 0]))
