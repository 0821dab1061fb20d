"""Folders made here, good and bad, and the traffic signs by track."""

import shutil

import numpy as np
import photo_folders
import pytest
from PIL import Image

from elf_keras import data, errors
from elf_keras.data import image_files, image_formats
from elf_keras.data.sources import assembly, folder

pytestmark = pytest.mark.slow


def fill(place, count, shade=100):
    place.mkdir(parents=True, exist_ok=True)
    for index in range(count):
        photo = Image.new("L", (4, 4), shade)
        photo_folders.save_commented(place / f"{index:03}_x.png", photo)


@pytest.fixture
def animals(tmp_path):
    for shade, name in enumerate(("cat", "dog", "eel")):
        fill(tmp_path / "train" / name, (20, 10, 4)[shade], shade)
        fill(tmp_path / "test" / name, 3, shade)
    return tmp_path


def load(place, **arguments):
    return data.load("folder", data.Request(place, image_size=4, **arguments))


def test_split_folders(animals):
    loaded = load(animals)
    assert loaded.class_names == ("cat", "dog", "eel")
    assert loaded.class_counts.tolist() == [20, 10, 4]
    assert loaded.train_counts.tolist() == [18, 9, 3]
    assert np.bincount(loaded.validation.labels).tolist() == [2, 1, 1]
    assert len(loaded.test) == 9
    assert loaded.image_shape == (4, 4, 3)
    assert loaded.test.names[0] == "test/cat/000_x.png"
    for part in (loaded.train, loaded.validation, loaded.test):
        assert (part.images.max((1, 2, 3)) == part.labels).all()
    assert loaded.notes == loaded.skipped == ()


def test_default_size_is_32(animals):
    assert data.load("folder", data.Request(animals)).image_shape == (32, 32, 3)


@pytest.mark.parametrize("name", ["validation", "val"])
def test_validation_folder_is_used_whole(animals, name):
    for animal in ("cat", "dog", "eel"):
        fill(animals / name / animal, 2)
    loaded = load(animals)
    assert len(loaded.train) == 34
    assert len(loaded.validation) == 6
    assert "used whole" in loaded.notes[0]


def test_classes_without_split_folders(animals):
    loaded = load(animals / "train", validation_fraction=0)
    assert loaded.test is loaded.validation is None
    assert len(loaded.train) == 34


@pytest.mark.parametrize("names", [("a10", "a9", "train"), ("1", "9", "10")])
def test_numbered_classes_come_in_natural_order(tmp_path, names):
    for name in names[::-1]:
        fill(tmp_path / name, 1)
    loaded = load(tmp_path)
    assert loaded.class_names == names
    assert "3 of 3 classes have no validation image" in loaded.notes[-1]


def test_other_files_are_ignored_and_sub_folders_read(animals):
    cats = animals / "train" / "cat"
    for name in ("a.txt", "b.csv", "Thumbs.db", ".hidden.png"):
        (cats / name).write_text("no image")
    fill(cats / ".ipynb_checkpoints", 5)
    fill(animals / "train" / ".git", 5)
    fill(cats / "more", 2, shade=0)
    (cats / "loud.PNG").write_bytes((cats / "000_x.png").read_bytes())
    loaded = load(animals)
    assert loaded.class_counts.tolist() == [23, 10, 4]
    assert loaded.skipped == ()


@pytest.mark.parametrize("images_on", ["auto", "disk"])
def test_one_percent_of_corrupt_images_is_skipped(tmp_path, images_on):
    fill(tmp_path / "a", 150)
    fill(tmp_path / "b", 50)
    for name in ("003", "007"):
        (tmp_path / "a" / f"{name}_x.png").write_text("broken")
    loaded = load(tmp_path, images_on=images_on)
    assert loaded.class_counts.tolist() == [148, 50]
    assert loaded.skipped == ("a/003_x.png", "a/007_x.png")
    (note,) = [note for note in loaded.notes if "damaged" in note]
    assert note.startswith("2 left out, damaged: cannot identify")
    assert "a/003_x.png" in note
    (tmp_path / "b" / "000_x.png").write_text("broken")
    with pytest.raises(errors.InputError, match="3 of 200 images"):
        load(tmp_path, images_on=images_on)


def test_class_emptied_by_corruption_is_refused(tmp_path):
    fill(tmp_path / "a", 200)
    fill(tmp_path / "b", 1)
    (tmp_path / "b" / "000_x.png").write_text("broken")
    with pytest.raises(
        errors.InputError, match="no image of 'b' can be read"
    ) as told:
        load(tmp_path)
    assert "cannot identify an image" in str(told.value)


def test_class_without_test_image_is_noted(animals):
    fill(animals / "train" / "fox", 2)
    (animals / "test" / "fox").mkdir()
    (note,) = load(animals).notes
    assert "no test image" in note
    assert "'fox'" in note


@pytest.mark.parametrize("split", ["validation", "test"])
def test_a_split_without_any_image_is_refused_before_training(
    animals, split, monkeypatch
):
    # Whether or not the extra that reads it is installed here.
    formats = image_formats.FORMATS
    monkeypatch.setattr(image_formats, "readable", lambda: formats)
    for name in ("cat", "dog", "eel"):
        shutil.rmtree(animals / split / name, ignore_errors=True)
        (animals / split / name).mkdir(parents=True)
        (animals / split / name / "1.heic").write_bytes(b"unknown here")
    with pytest.raises(errors.InputError, match=f"{split} has class folders"):
        load(animals)


@pytest.mark.parametrize(
    ("added", "words"),
    [
        ({"train/fox": 0, "test/fox": 1}, "no training image of 'fox'"),
        ({"test/fox": 1}, "test has classes without training image: 'fox'"),
        ({"val/cat": 1, "validation/cat": 1}, "keep one"),
    ],
)
def test_folders_that_do_not_fit_are_refused(animals, added, words):
    for name, count in added.items():
        fill(animals / name, count)
    with pytest.raises(errors.InputError, match=words):
        load(animals)


def test_folders_that_cannot_be_read(tmp_path):
    with pytest.raises(errors.InputError, match="no such folder"):
        load(tmp_path / "absent")
    with pytest.raises(errors.InputError, match="^no data; give --data_dir wi"):
        data.load("folder", data.Request())
    with pytest.raises(errors.InputError, match="no class folder"):
        load(tmp_path)
    fill(tmp_path / "test" / "a", 1)
    with pytest.raises(errors.InputError, match="no train folder"):
        load(tmp_path)


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        ("_", "expected prefix:SEPARATOR"),
        ("prefix:", "expected prefix:SEPARATOR"),
        ("suffix:_", "expected prefix:SEPARATOR"),
        ("regex:(", "no regular expression"),
        ("prefix:-", "does not fit the file train/cat/000_x.png"),
    ],
)
def test_wrong_group_rules_are_refused(animals, rule, words):
    with pytest.raises(errors.InputError, match=words):
        load(animals, validation_group=rule)


@pytest.mark.parametrize("rule", ["prefix:_", r"regex:^(\d+)", r"regex:\d+"])
def test_groups_are_read_off_the_base_name(rule):
    names = ["train/7/12_0.png", "train/7/12_1.png", "train/8/12_0.png"]
    first, second, third = assembly.group_names(names, rule)
    assert first == second != third


@pytest.fixture(scope="module")
def signs(test_data):
    if not (test_data / "gtsrb").is_dir():
        pytest.skip(f"no gtsrb/ in {test_data}")
    request = data.Request(test_data / "gtsrb", validation_group="prefix:_")
    return data.load("folder", request)


def test_traffic_signs_keep_tracks_together(signs):
    train = {name.split("_")[0] for name in signs.train.names}
    validation = {name.split("_")[0] for name in signs.validation.names}
    assert not train & validation
    assert len(train | validation) == 1307
    assert set(signs.validation.labels.tolist()) == set(range(43))
    assert 1100 < len(signs.validation) < 1500


def test_traffic_signs_whole(signs, test_data):
    assert signs.class_counts.sum() == 13070
    assert signs.class_counts.min() == 70
    assert len(signs.test) == 4210
    assert signs.class_names[:3] == ("00", "01", "02")
    with Image.open(test_data / "gtsrb" / signs.test.names[7]) as image:
        pixels = np.asarray(image.convert("RGB"))
    np.testing.assert_array_equal(signs.test.images[7], pixels)


def test_images_on_disk_are_those_in_memory(animals):
    memory = load(animals)
    disk = load(animals, images_on="disk")
    for part in ("train", "validation", "test"):
        there, here = getattr(disk, part), getattr(memory, part)
        assert there.names == here.names
        assert isinstance(there.images, image_files.ImageFiles)
        np.testing.assert_array_equal(there.images, here.images)
    assert disk.image_shape == memory.image_shape
    np.testing.assert_allclose(disk.pixel_statistics, memory.pixel_statistics)


@pytest.mark.parametrize(
    ("files", "size", "images_on", "expected"),
    [
        (100, 32, "auto", False),
        (100, 127, "auto", False),
        (100, 128, "auto", True),
        (10**9, 32, "auto", True),
        (10**9, 32, "memory", False),
        (1, 4, "disk", True),
    ],
)
def test_where_images_are_kept(files, size, images_on, expected):
    request = data.Request(images_on=images_on)
    assert folder.on_disk(files, size, request) is expected
