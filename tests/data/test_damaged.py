"""Images that are damaged: before the first step, and when they are decoded."""

import numpy as np
import photo_folders
import pytest
from PIL import Image

from elf_keras import data, errors
from elf_keras.data import augment, pipeline
from elf_keras.data.batches import Batches
from elf_keras.data.sources import published

pytestmark = pytest.mark.slow

WINDOW = augment.Augmentation(padding=0, flip=True, resized=True)
CROP = augment.Augmentation(padding=1, flip=True, resized=False)


def epoch(examples, rule=CROP, **options):
    return [
        (images.numpy(), labels.numpy())
        for images, labels in pipeline.training_batches(
            examples, Batches(4, 0, rule), range(1), **options
        )
    ]


def taken(folder):
    """Ten photos of 10 to 100, each as light as its label says."""
    for number in range(10):
        grey = Image.new("L", (12, 12), 10 * number + 10)
        photo_folders.save(folder / f"{number}.jpg", grey)
    return photo_folders.opened(folder, [f"{n}.jpg" for n in range(10)])


@pytest.fixture
def photos(tmp_path):
    return taken(tmp_path)


@pytest.fixture(scope="module", params=[WINDOW, CROP], ids=["window", "crop"])
def rule_and_whole(request, tmp_path_factory):
    """An epoch of the photos while they are sound, by each rule."""
    rule = request.param
    return rule, epoch(taken(tmp_path_factory.mktemp("sound")), rule)


@pytest.mark.parametrize("damaged", [(3,), (0, 1, 2, 3, 9), range(10)])
def test_training_shows_a_damaged_image_black(photos, rule_and_whole, damaged):
    rule, whole = rule_and_whole
    for number in damaged:
        photo_folders.damage(photos.images.root / f"{number}.jpg")
    for (images, labels), (before, expected) in zip(
        epoch(photos, rule), whole, strict=True
    ):
        black = np.isin(labels, damaged)
        np.testing.assert_array_equal(labels, expected)
        np.testing.assert_array_equal(images[~black], before[~black])
        assert not images[black].any()
    assert {*photos.images.damaged.reasons} == {f"{n}.jpg" for n in damaged}


def test_scoring_shows_a_damaged_image_black(photos):
    photo_folders.damage(photos.images.root / "7.jpg")
    batches = pipeline.evaluation_batches(photos, batch_size=4)
    light = np.concatenate(
        [images.numpy()[:, 4, 4, 0] for images, _ in batches]
    )
    assert (light == 0).nonzero()[0].tolist() == [7]
    # Whatever part of them is read, it is told in one place.
    part = photos.take(np.array([7, 8]))
    assert not np.asarray(part.images)[0].any()
    (reason,) = photos.images.damaged.reasons.values()
    assert "data stream" in reason


def test_pillow_reads_what_tensorflow_alone_refuses(photos):
    file = photos.images.root / "5.jpg"
    grey = Image.new("L", (12, 12), 60)
    grey.convert("P").save(file, "GIF")
    assert abs(np.asarray(photos.images)[5].astype(int) - 60).max() <= 1
    assert not photos.images.damaged.reasons


@pytest.mark.parametrize("read", ["training", "scoring", "special"])
def test_a_file_that_is_gone_ends_all_in_one_line(photos, read):
    if read == "special":
        photos.images.special[:] = True
    (photos.images.root / "4.jpg").unlink()
    with (
        pytest.raises(
            errors.InputError, match=r"^\S+/4.jpg: No such file"
        ) as told,
        errors.translated(),
    ):
        epoch(photos) if read == "training" else np.asarray(photos.images)
    assert "\n" not in str(told.value)


def test_a_resumed_epoch_goes_on_after_what_is_damaged(photos):
    for number in (2, 6):
        photo_folders.damage(photos.images.root / f"{number}.jpg")
    whole, rest = epoch(photos), epoch(photos, done=1)
    for (images, labels), (same, of_them) in zip(whole[1:], rest, strict=True):
        np.testing.assert_array_equal(images, same)
        np.testing.assert_array_equal(labels, of_them)


@pytest.mark.parametrize("name", ["folder", "imagenet_lt"])
@pytest.mark.parametrize("images_on", ["memory", "disk"])
@pytest.mark.parametrize("split", ["train", "validation", "test"])
def test_a_photo_that_broke_off_is_left_out(tmp_path, name, images_on, split):
    lists = published.SETS["imagenet_lt"].lists
    photo_folders.published(tmp_path, lists, (60, 60))
    file = tmp_path / split / "n0001" / "1.JPEG"
    file.write_bytes(file.read_bytes()[:-40])
    loaded = data.load(
        name,
        data.Request(
            tmp_path, image_size=8, check_counts=False, images_on=images_on
        ),
    )
    gone = str(file.relative_to(tmp_path))
    assert loaded.skipped == (gone,)
    assert gone not in getattr(loaded, split).names
    assert any(gone in note and "truncated" in note for note in loaded.notes)


@pytest.mark.parametrize("content", [b"", b"404 not found"])
def test_listed_files_that_are_no_image(tmp_path, content):
    lists = published.SETS["imagenet_lt"].lists
    photo_folders.published(tmp_path, lists, (60, 60))
    request = data.Request(tmp_path, image_size=8, check_counts=False)
    (tmp_path / "train" / "n0001" / "0.JPEG").write_bytes(content)
    loaded = data.load("imagenet_lt", request)
    assert loaded.skipped == ("train/n0001/0.JPEG",)
    assert loaded.left_out[0].reason.startswith("damaged: cannot identify")
    (tmp_path / "train" / "n0001" / "1.JPEG").write_bytes(content)
    with pytest.raises(errors.InputError, match="2 of 128 images.*1.JPEG"):
        data.load("imagenet_lt", request)
