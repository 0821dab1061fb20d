"""Odd image files have the same pixels for everyone who reads them."""

import numpy as np
import photo_folders
import pytest
from PIL import Image

from elf_keras import data
from elf_keras.data import augment, images, pipeline
from elf_keras.data.batches import Batches
from elf_keras.data.sources import published

SIZE = 32


def turned(photo):
    tag = Image.Exif()
    tag[0x0112] = 6
    return photo, "JPEG", {"exif": tag, "quality": 95}


def clear(photo):
    found = photo.convert("RGBA")
    found.putalpha(Image.linear_gradient("L").resize(photo.size))
    return found, "PNG", {}


KINDS = {
    "turned": turned,
    "cmyk": lambda photo: (photo.convert("CMYK"), "JPEG", {"quality": 95}),
    "tiff": lambda photo: (photo, "TIFF", {}),
    "gif": lambda photo: (photo.quantize(), "GIF", {}),
    "webp": lambda photo: (photo, "WEBP", {"lossless": True}),
    "palette": lambda photo: (photo.quantize(), "PNG", {}),
    "clear": clear,
    "deep": lambda photo: (
        Image.fromarray(np.asarray(photo.convert("L")).astype("uint16") * 256),
        "PNG",
        {},
    ),
}


@pytest.fixture(scope="module")
def odd(tmp_path_factory):
    """A folder and lists of the same photos; KINDS come first, by name."""
    root = tmp_path_factory.mktemp("odd")
    lists = published.SETS["imagenet_lt"].lists
    photo_folders.published(root, lists, (len(KINDS), 2))
    for number, make in enumerate(KINDS.values()):
        photo, kind, options = make(photo_folders.smooth(number, (48, 48)))
        file = root / "train" / "n0000" / f"{number}.JPEG"
        photo.save(file, kind, **options)
    return root


def load(root, name, images_on="disk"):
    request = data.Request(
        root,
        image_size=SIZE,
        check_counts=False,
        images_on=images_on,
        validation_fraction=0,
    )
    return data.load(name, request).train


@pytest.mark.slow
def test_folders_lists_and_predict_see_the_same(odd):
    listed, on_disk = load(odd, "imagenet_lt"), load(odd, "folder")
    held = load(odd, "folder", "memory")
    assert listed.names == on_disk.names == held.names
    count = len(KINDS)
    assert listed.images.special[:count].all()
    assert not listed.images.special[count:].any()
    assert (held.kept, on_disk.kept, listed.kept) == (1, 1, 224 / 256)
    # All at once: to begin takes longer than to decode.
    from_folder, from_lists = map(np.asarray, (on_disk.images, listed.images))
    for number, kind in enumerate(KINDS):
        file = odd / listed.names[number]
        predicted = images.read(file, SIZE)
        np.testing.assert_array_equal(held.images[number], predicted)
        photo_folders.agree(from_folder[number], predicted, kind)
        # The lists' papers keep less of a photo, and so does `predict` then.
        predicted = images.read(file, SIZE, kept=listed.kept)
        photo_folders.agree(from_lists[number], predicted, kind)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["imagenet_lt", "folder"])
def test_training_windows_are_cut_from_the_same(odd, name):
    """Upright and opaque: Pillow's pixels, not the file's."""
    examples = load(odd, name).take(np.arange(len(KINDS)))
    assert examples.images.special.all()
    plain = odd.parent / f"plain_{name}"
    for file in examples.names:
        pixels = Image.fromarray(images.upright(odd / file))
        photo_folders.save(plain / file, pixels, format="PNG")
    expected = photo_folders.opened(plain, examples.names, size=SIZE)
    assert not expected.images.special.any()
    rule = augment.Augmentation(padding=0, flip=True, resized=True)
    epochs = [
        pipeline.training_batches(each, Batches(16, 0, rule), range(1))
        for each in (examples, expected)
    ]
    for (found, _), (wanted, _) in zip(*epochs, strict=True):
        difference = abs(found.numpy().astype(int) - wanted.numpy())
        assert difference.max() <= 4
