"""Arrays as a data source: what they must be, and a file that keeps them."""

import numpy as np
import pytest

from elf_keras import data, plugins
from elf_keras.data.sources import arrays
from elf_keras.errors import InputError


def made(counts=(20, 10), side=4, channels=3):
    random = np.random.default_rng(len(counts))
    labels = np.repeat(np.arange(len(counts)), counts)
    shape = (len(labels), side, side, channels)
    return random.integers(0, 256, shape, dtype="uint8"), labels


def test_validation_is_cut_from_each_class_and_labels_stay():
    images, labels = made()
    found = data.from_arrays({"train": (images, labels)}, ["cat", "dog"])
    assert np.bincount(found.train.labels).tolist() == [18, 9]
    assert np.bincount(found.validation.labels).tolist() == [2, 1]
    assert found.class_names == ("cat", "dog")
    assert found.class_counts.tolist() == [20, 10]
    for part in (found.train, found.validation):
        for image, label, name in zip(
            part.images, part.labels, part.names, strict=True
        ):
            number = int(name.removeprefix("train:"))
            assert (image == images[number]).all()
            assert label == labels[number]


def test_other_forms_are_taken_where_they_say_the_same():
    images, labels = made(channels=1)
    parts = {
        "train": (images[..., 0].astype("float32"), labels[:, None]),
        "test": (images, labels, [f"t{k}" for k in range(len(labels))]),
    }
    found = data.from_arrays(parts, None, data.Request(validation_fraction=0))
    assert found.validation is None
    assert found.train.images.dtype == np.uint8
    np.testing.assert_array_equal(found.train.images, images)
    np.testing.assert_array_equal(found.train.labels, labels)
    assert found.class_names == ("0", "1")
    assert found.test.names[:2] == ("t0", "t1")


IMAGES, LABELS = made()


@pytest.mark.parametrize(
    ("parts", "says"),
    [
        ({"test": (IMAGES, LABELS)}, r"parts \['test'\]: expected train"),
        ({"train": (IMAGES, LABELS), "val": 0}, "expected train, and maybe"),
        ({"train": IMAGES}, "train: expected a tuple of images and labels"),
        ({"train": (IMAGES / 255, LABELS)}, r"not all whole numbers.*255 \*"),
        ({"train": (IMAGES // 128, LABELS)}, None),
        ({"train": (IMAGES // 128 * 1.0, LABELS)}, r"from 0 to 1; .*255 \* im"),
        ({"train": (IMAGES * 2.0, LABELS)}, "not all whole numbers of 0 to"),
        ({"train": (IMAGES[0], LABELS)}, r"labels \(30,\).*each of 4 images"),
        ({"train": (IMAGES[..., :2], LABELS)}, "with 1 or 3 channels"),
        ({"train": (IMAGES, LABELS[1:])}, r"labels \(29,\).*each of 30 images"),
        ({"train": (IMAGES, LABELS * 1.0)}, "of float64; expected one number"),
        ({"train": (IMAGES, LABELS - 1)}, "from 0 to"),
        ({"train": (IMAGES, np.eye(2)[LABELS])}, r"labels \(30, 2\)"),
        ({"train": (IMAGES, LABELS, ["a"] * 30)}, "1 names of 30 images"),
        (
            {"train": (IMAGES, LABELS), "test": (IMAGES[:, 1:], LABELS)},
            "expected one size",
        ),
        ({"train": (IMAGES, LABELS + 1)}, "no training image of '0'"),
        ({"train": (IMAGES, [*map(str, LABELS)])}, "expected one number of a"),
        ({"train": (IMAGES,)}, "expected a tuple of images and labels"),
    ],
)
def test_what_is_no_data_is_refused(parts, says):
    if says is None:
        data.from_arrays(parts)
        return
    with pytest.raises(InputError, match=says):
        data.from_arrays(parts)


def test_a_file_gives_the_same_splits_again(tmp_path):
    parts = {"train": made(), "test": made((3, 3))}
    before = data.from_arrays(parts, ["köter", "cat"])
    arrays.write(tmp_path, before)
    request = data.Request(data_dir=tmp_path)
    found = data.load("arrays", request)
    assert found.class_names == before.class_names
    for name, part in before.parts.items():
        again = found.parts[name]
        assert again.names == part.names
        np.testing.assert_array_equal(again.images, part.images)
        np.testing.assert_array_equal(again.labels, part.labels)


def test_a_missing_or_damaged_file_is_one_line(tmp_path):
    with pytest.raises(InputError, match="name it by --data_dir"):
        data.load("arrays")
    request = data.Request(data_dir=tmp_path)
    with pytest.raises(InputError, match="there is no arrays.npz in"):
        data.load("arrays", request)
    arrays.write(tmp_path, data.from_arrays({"train": made()}))
    path = tmp_path / arrays.NAME
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(InputError, match="arrays.npz is damaged .*write it ag"):
        data.load("arrays", request)


def test_a_plug_ins_source_must_give_splits(monkeypatch):
    monkeypatch.setitem(plugins.DATA_SOURCES, "made", lambda request: IMAGES)
    with pytest.raises(InputError, match="'made' .*ndarray; expected Splits"):
        data.load("made")
