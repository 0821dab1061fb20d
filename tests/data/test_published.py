"""Made data of each published set's layout, good and bad, and its numbers."""

import dataclasses
import unicodedata

import numpy as np
import photo_folders
import pytest

from elf_keras import choices, data, errors
from elf_keras.data import long_tail
from elf_keras.data.sources import list_files, published

COUNTS = (12, 6, 3)


def load(root, name="imagenet_lt", **options):
    options = {"image_size": 8, "check_counts": False, **options}
    return data.load(name, data.Request(root, **options))


@pytest.fixture
def made(tmp_path):
    lists = published.SETS["imagenet_lt"].lists
    photo_folders.published(tmp_path, lists, COUNTS)
    return tmp_path


def lines(root, split="train"):
    return root / published.SETS["imagenet_lt"].lists[split]


@pytest.mark.slow
@pytest.mark.parametrize("name", published.SETS)
def test_made_data_of_each_layout(tmp_path, name):
    facts = published.SETS[name]
    photo_folders.published(tmp_path, facts.lists, COUNTS)
    loaded = load(tmp_path, name, validation_fraction=0.25)
    assert name in choices.DATASETS
    assert loaded.class_counts.tolist() == list(COUNTS)
    assert loaded.class_names == ("n0000", "n0001", "n0002")
    assert loaded.image_shape == (8, 8, 3)
    assert len(loaded.test) == 6
    if "validation" in facts.lists:
        assert loaded.train_counts.tolist() == list(COUNTS)
        assert "used whole" in loaded.notes[0]
    else:
        assert loaded.train_counts.tolist() == [9, 4, 2]
    assert len(loaded.validation) == 6
    pixels = np.array(loaded.pixel_statistics) / 255
    np.testing.assert_allclose(pixels, facts.pixels)
    assert np.asarray(loaded.test.images[:2]).std() > 0


def test_default_size_is_224(made):
    assert load(made, image_size=None).image_shape == (224, 224, 3)


def test_lists_may_lie_elsewhere(made, tmp_path):
    elsewhere = tmp_path / "lists"
    elsewhere.mkdir()
    for split in ("train", "validation", "test"):
        lines(made, split).rename(elsewhere / lines(made, split).name)
    with pytest.raises(errors.InputError, match="give --list_dir"):
        load(made)
    assert len(load(made, list_dir=elsewhere).train) == 21


def test_counts_are_checked_against_the_published_ones(made):
    with pytest.raises(errors.InputError) as caught:
        load(made, check_counts=True)
    text = str(caught.value)
    assert "\n" not in text
    assert "ImageNet_LT_train.txt: 21, published 115846" in text
    assert "ImageNet_LT_val.txt: 6, published 20000" in text
    assert "largest class: 12, published 1280" in text
    assert "many/medium/few classes: 0/0/1000, published 385/479/136" in text
    assert "--check_counts=false" in text


@pytest.mark.parametrize("name", published.SETS)
def test_published_numbers_are_those_of_the_counts(test_data, name):
    path = test_data / "counts" / f"{name}_train.txt"
    if not path.exists():
        pytest.skip(f"no {path.name} in {path.parent}")
    counts, facts = np.loadtxt(path, dtype=int), published.SETS[name]
    assert counts.sum() == facts.images["train"]
    assert len(counts) == facts.classes
    assert (counts.max(), counts.min()) == (facts.largest, facts.smallest)
    groups = long_tail.shot_groups(counts).values()
    assert tuple(int(mask.sum()) for mask in groups) == facts.shot_groups


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("../secret.JPEG 0", ["line 22", "'../secret.JPEG'", "outside"]),
        ("train/../../x.JPEG 0", ["line 22", "outside"]),
        ("/etc/passwd 0", ["line 22", "outside"]),
        ("C:\\photos\\x.JPEG 0", ["line 22", "outside"]),
        ("..\\x.JPEG 0", ["line 22", "outside"]),
        ("\\\\server\\x.JPEG 0", ["line 22", "outside"]),
        ("train\0/x.JPEG 0", ["line 22", "NUL"]),
        ("train\\n0000\\0.JPEG 0", ["line 22", "duplicate"]),
        ("train/n0000/0.JPEG 0", ["line 22", "duplicate", "train.txt line 1"]),
        ("train/./n0000/0.JPEG 1", ["line 22", "duplicate"]),
        ("train/n0000/99.JPEG 1000", ["line 22", "label 1000 is unknown"]),
        ("train/n0000/99.JPEG -1", ["line 22", "`path label`"]),
        ("train/n0000/99.JPEG", ["line 22", "`path label`"]),
        ("train/n0000/99.JPEG cat", ["line 22", "`path label`"]),
        ("train/x.JPEG " + 5000 * "9", ["line 22", "`path label`"]),
        ("7", ["line 22", "`path label`"]),
    ],
)
def test_a_wrong_line_is_named(made, line, words):
    with lines(made).open("a") as file:
        file.write(line + "\n")
    with pytest.raises(errors.InputError) as caught:
        load(made)
    assert "\n" not in str(caught.value)
    for word in ["ImageNet_LT_train.txt", *words]:
        assert word in str(caught.value)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("train/n0000/0.JPEG 0", "_test.txt line 7.*train.txt"),
        ("test/n0003/0.JPEG 3", "label 3 is unknown"),
    ],
)
def test_a_line_that_training_forbids_is_named(made, line, words):
    with lines(made, "test").open("a") as file:
        file.write(line + "\n")
    with pytest.raises(errors.InputError, match=words):
        load(made)


def test_few_missing_files_are_skipped_and_listed(tmp_path):
    facts = published.SETS["inat18"]
    photo_folders.published(tmp_path, facts.lists, (150, 60))
    (tmp_path / "train" / "n0000" / "7.JPEG").unlink()
    loaded = load(tmp_path, "inat18")
    assert loaded.class_counts.tolist() == [149, 60]
    assert loaded.skipped == ("train/n0000/7.JPEG",)
    assert loaded.notes[0] == (
        "1 left out, listed but missing: 'train/n0000/7.JPEG'."
    )


@pytest.mark.parametrize(
    "written",
    [
        lambda text: b"\xef\xbb\xbf" + text.encode(),
        lambda text: b"\xff\xfe" + text.encode("utf-16-le"),
        lambda text: text.replace("/", "\\").replace("\n", "\r\n").encode(),
    ],
    ids=["mark", "utf-16", "windows"],
)
def test_lists_of_windows_name_the_same_files(made, written):
    expected = load(made)
    for split in ("train", "validation", "test"):
        file = lines(made, split)
        file.write_bytes(written(file.read_text()))
    found = load(made)
    assert found.train.names == expected.train.names
    assert found.test.names == expected.test.names
    assert found.class_names == expected.class_names
    assert not found.left_out


def test_a_list_in_latin_1_is_named_with_the_line(made):
    file = lines(made, "test")
    file.write_bytes(file.read_bytes() + b"test/caf\xe9.JPEG 0\n")
    with pytest.raises(errors.InputError, match=r"LT_test.txt line 7: .*café"):
        load(made)


@pytest.mark.slow
@pytest.mark.parametrize("listed", ["NFC", "NFD"])
def test_names_are_found_however_they_are_spelled(made, listed):
    on_disk = {"NFC": "NFD", "NFD": "NFC"}[listed]
    for folder in made.glob("*/n0001"):
        folder.rename(
            folder.with_name(unicodedata.normalize(on_disk, "n\u00e9"))
        )
    for split in ("train", "validation", "test"):
        text = lines(made, split).read_text()
        name = unicodedata.normalize(listed, "n\u00e9")
        lines(made, split).write_text(text.replace("n0001", name))
    found = load(made)
    assert not found.left_out
    assert found.class_names == ("n0000", "n\u00e9", "n0002")
    assert found.class_counts.tolist() == list(COUNTS)
    assert np.asarray(found.test.images).any((1, 2, 3)).all()


def test_two_spellings_are_not_one_file_twice(tmp_path):
    """Else an image could be in training and in test."""
    one, other = (unicodedata.normalize(f, "\u00e9") for f in ("NFC", "NFD"))
    (tmp_path / one).touch()
    assert list_files.spelled(tmp_path, [other, one]) == [None, one]
    assert list_files.spelled(tmp_path, [other, other]) == [one, None]


def test_many_missing_files_are_refused(made):
    for index in range(7):
        (made / "train" / "n0000" / f"{index}.JPEG").unlink()
    told = (
        "^7 listed files are missing: 'train/n0000/0.JPEG'.*and 2 more.*of 33"
    )
    with pytest.raises(errors.InputError, match=told):
        load(made)


def test_wrong_folders(tmp_path):
    with pytest.raises(errors.InputError, match="give --data_dir"):
        load(None)
    with pytest.raises(errors.InputError, match="no list .*train.txt"):
        load(tmp_path)
    lines(tmp_path).write_text("\n")
    with pytest.raises(errors.InputError, match="lists no image"):
        load(tmp_path)


def test_class_without_training_image_is_named(made):
    text = lines(made).read_text().replace(" 1\n", " 2\n")
    lines(made).write_text(text)
    with pytest.raises(errors.InputError, match="no training image of '1'"):
        load(made)


def test_paths_may_have_spaces_and_classes_shared_folders(tmp_path):
    path = tmp_path / "list.txt"
    path.write_text("all/a b.jpg 0\nall/c.jpg 1\n")
    names, labels = list_files.read(path, labels_below=2, taken={})
    assert names == ["all/a b.jpg", "all/c.jpg"]
    assert published._class_names(names, labels, 2) == ("0", "1")


def test_the_numbers_cannot_be_changed_by_accident():
    with pytest.raises(dataclasses.FrozenInstanceError):
        published.SETS["inat18"].classes = 3
