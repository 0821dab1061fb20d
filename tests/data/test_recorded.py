"""A run's data loaded again: by name, in its splits, in its order of classes.

The grey of each made photo is that of its class folder when it was made.
"""

import dataclasses
import json
import os
import shutil

import numpy as np
import pytest
from PIL import Image, PngImagePlugin

from elf_keras import data, errors, runs
from elf_keras.data import recorded

GREY = {"cat": 20, "dog": 90, "eel": 160, "fox": 230}


def fill(place, count, *, start=0, grey=None):
    place.mkdir(parents=True, exist_ok=True)
    for index in range(start, start + count):
        image = Image.new("L", (4, 4), grey or GREY[place.name])
        # A comment, as in photos: no file is a copy of another.
        own = PngImagePlugin.PngInfo()
        own.add_text("of", f"{place}/{index}")
        image.save(place / f"{index:03}.png", pnginfo=own)


@pytest.fixture
def photos(tmp_path):
    root = tmp_path / "photos"
    for name, count in (("cat", 9), ("dog", 6), ("eel", 4)):
        fill(root / "train" / name, count)
        fill(root / "test" / name, 2, start=50)
    return root


def load(root, run=None, **options):
    request = data.Request(root, image_size=4, recorded=run, **options)
    return data.load("folder", request)


@pytest.fixture
def run(photos, tmp_path):
    """The folder of a run that began with the photos."""
    loaded = load(photos)
    recorded.write(tmp_path / "run", loaded)
    return tmp_path / "run"


def same(part, other):
    assert part.names == other.names
    assert part.labels.tolist() == other.labels.tolist()
    assert (np.asarray(part.images) == np.asarray(other.images)).all()


def all_same(loaded, before):
    assert loaded.parts.keys() == before.parts.keys()
    for split, part in loaded.parts.items():
        same(part, before.parts[split])
    assert loaded.class_counts.tolist() == before.class_counts.tolist()
    assert loaded.class_names == before.class_names


def labels_follow_names(loaded):
    for part in loaded.parts.values():
        greys = np.asarray(part.images)[:, 0, 0, 0]
        names = [loaded.class_names[label] for label in part.labels]
        assert greys.tolist() == [GREY[name] for name in names]


def test_what_is_written(photos, run):
    rows = (run / runs.EXAMPLES).read_text().splitlines()
    assert rows[0] == "path,class,split"
    assert rows[1] == "train/cat/000.png,cat,train"
    assert rows[-1] == "test/eel/051.png,eel,test"
    assert len(rows) == 1 + 19 + 6
    found = json.loads((run / runs.RECORD).read_text())["data"]
    assert found["class_names"] == ["cat", "dog", "eel"]
    assert found["class_counts"] == [9, 6, 4]
    assert found["class_counts_by_split"] == {
        "train": [8, 5, 3],
        "validation": [1, 1, 1],
        "test": [2, 2, 2],
    }
    names = found["class_names"]
    assert found["shot_groups"] == {"many": [], "medium": [], "few": names}
    assert found["images"] == {"train": 16, "validation": 3, "test": 6}
    assert (found["left_out"], found["notes"]) == ([], [])


@pytest.mark.slow
@pytest.mark.parametrize("images_on", ["memory", "disk"])
@pytest.mark.parametrize("whole", [False, True])
def test_photos_added_reach_no_split_that_they_could_spoil(
    photos, run, images_on, whole
):
    before = load(photos)
    for name in ("cat", "dog", "eel"):
        fill(photos / "train" / name, 30, start=100)
    assert set(load(photos).validation.names) & set(before.train.names)
    known = recorded.read(run, whole=whole)
    loaded = load(photos, known, images_on=images_on)
    all_same(loaded, before)
    (told,) = loaded.left_out
    assert told.reason.startswith("new since the run began")
    assert len(told.names) == 90
    assert any("90 left out, new since" in note for note in loaded.notes)


def test_other_fractions_and_seeds_do_not_cut_anew(photos, run):
    options = {"validation_fraction": 0.4, "seed": 7}
    all_same(load(photos, recorded.read(run), **options), load(photos))


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ("rename", r"\('zebra' new; 'dog' missing\)"),
        ("remove", r"\('dog' missing\)"),
        ("add", r"\('fox' new\)"),
    ],
)
@pytest.mark.parametrize("whole", [False, True])
def test_other_classes_are_named(photos, run, change, says, whole):
    for split in (photos / "train", photos / "test"):
        if change == "rename":
            (split / "dog").rename(split / "zebra")
        elif change == "remove":
            shutil.rmtree(split / "dog")
        else:
            fill(split / "fox", 3)
    with pytest.raises(errors.InputError, match=says):
        load(photos, recorded.read(run, whole=whole))


def test_labels_follow_names_where_the_order_of_classes_is_another(photos, run):
    known = recorded.read(run)
    order = ("eel", "cat", "dog")
    counts = np.array([4, 9, 6])
    other = dataclasses.replace(known, class_names=order, class_counts=counts)
    loaded = load(photos, other)
    assert loaded.class_names == order
    assert loaded.class_counts.tolist() == [4, 9, 6]
    assert loaded.train_counts.tolist() == [3, 8, 5]
    labels_follow_names(loaded)
    # The order of training is the record's, too.
    assert loaded.train.names == load(photos).train.names
    # A run that kept no record of its examples: labels alone.
    loaded = load(photos, other.without_examples)
    assert loaded.train_counts.tolist() == [3, 8, 5]
    labels_follow_names(loaded)


def test_examples_come_in_the_order_of_the_record(photos, run):
    rows = (run / runs.EXAMPLES).read_text().splitlines()
    shuffled = [rows[0], *np.random.default_rng(0).permutation(rows[1:])]
    (run / runs.EXAMPLES).write_text("\n".join(shuffled) + "\n")
    loaded = load(photos, recorded.read(run))
    for split, part in loaded.parts.items():
        expected = [r.split(",")[0] for r in shuffled if r.endswith(split)]
        assert list(part.names) == expected
    labels_follow_names(loaded)


def test_new_images_of_test_are_scored_and_told(photos, run):
    before = load(photos)
    fill(photos / "test" / "cat", 2, start=60)
    loaded = load(photos, recorded.read(run))
    assert len(loaded.test) == 8
    labels_follow_names(loaded)
    assert "2 images of validation or test are new" in loaded.notes[0]
    assert "'test/cat/060.png'" in loaded.notes[0]
    # A run that goes on is scored by its own.
    all_same(load(photos, recorded.read(run, whole=True)), before)


def test_training_images_that_moved_to_test_are_not_scored(photos, run):
    for index in (0, 1):
        name = f"cat/{index:03}.png"
        (photos / "train" / name).rename(photos / "test" / name)
    loaded = load(photos, recorded.read(run))
    assert len(loaded.test) == 6
    (told,) = loaded.left_out
    assert told.names == ("test/cat/000.png", "test/cat/001.png")
    assert "of another split" in told.reason
    assert "2 images of the run are missing" in loaded.notes[0]


@pytest.mark.parametrize("gone", ["train/dog/000.png", "test/eel/051.png"])
def test_a_missing_image_is_noted_and_keeps_a_run_from_going_on(
    photos, run, gone
):
    (photos / gone).unlink()
    loaded = load(photos, recorded.read(run))
    assert f"1 images of the run are missing: '{gone}'." in loaded.notes
    assert loaded.class_counts.tolist() == [9, 6, 4]
    with pytest.raises(errors.InputError, match=f"missing: '{gone}'.*restore"):
        load(photos, recorded.read(run, whole=True))


def test_an_image_of_another_class_than_before(photos, run):
    text = (run / runs.EXAMPLES).read_text()
    text = text.replace("train/cat/003.png,cat", "train/cat/003.png,eel")
    (run / runs.EXAMPLES).write_text(text)
    loaded = load(photos, recorded.read(run))
    assert "1 images have another class" in loaded.notes[0]
    labels_follow_names(loaded)
    with pytest.raises(errors.InputError, match="another class.*cat/003"):
        load(photos, recorded.read(run, whole=True))


def test_other_images_altogether(photos, run, tmp_path):
    """Training ones are of no use to a run; a test of its classes is."""
    for name in ("cat", "dog", "eel"):
        fill(tmp_path / "other" / "train" / name, 2, start=200)
    with pytest.raises(errors.InputError, match="none of the 25 images"):
        load(tmp_path / "other", recorded.read(run))
    fill(tmp_path / "other" / "test" / "dog", 3, start=300)
    loaded = load(tmp_path / "other", recorded.read(run))
    assert (len(loaded.train), loaded.validation) == (0, None)
    assert loaded.test.labels.tolist() == [1, 1, 1]
    assert loaded.image_shape == (4, 4, 3)


def test_a_run_of_before_compares_classes_and_cuts_as_it_did(photos, run):
    before = load(photos)
    (run / runs.EXAMPLES).unlink()
    all_same(load(photos, recorded.read(run)), before)
    for split in ("train", "test"):
        (photos / split / "dog").rename(photos / split / "zebra")
    with pytest.raises(errors.InputError, match="'zebra' new; 'dog' missing"):
        load(photos, recorded.read(run))


def test_the_table_alone_is_enough(photos, run):
    """Whatever became of run.json; the source's order is the run's then."""
    before = load(photos)
    (run / runs.RECORD).unlink()
    fill(photos / "train" / "eel", 9, start=100)
    all_same(load(photos, recorded.read(run, whole=True)), before)


def test_a_folder_that_says_nothing(tmp_path):
    assert recorded.read(tmp_path) is None
    (tmp_path / runs.RECORD).write_text('{"epochs": 3}')
    assert recorded.read(tmp_path) is None


@pytest.mark.parametrize(
    ("name", "content"),
    [
        (runs.EXAMPLES, b"path,label\na.png,cat\n"),
        (runs.EXAMPLES, b"path,class,split\na.png,cat\n"),
        (runs.EXAMPLES, b"path,class,split\na.png,cat,mine\n"),
        (runs.EXAMPLES, b"path,class,split\n\xff.png,cat,train\n"),
        (runs.RECORD, b'{"data": 1}'),
        (runs.RECORD, b'{"data": {"class_names": "cat"}}'),
        (runs.RECORD, b'{"data": {"class_names": [1, 2]}}'),
        (
            runs.RECORD,
            b'{"data": {"class_names": ["a"], "class_counts": [1, 2]}}',
        ),
    ],
)
def test_a_damaged_record_is_named(run, name, content):
    (run / name).write_bytes(content)
    with pytest.raises(errors.InputError, match=f"{name} is damaged.*restore"):
        recorded.read(run)


def test_names_that_no_text_holds(photos, tmp_path):
    odd = os.fsencode(photos) + b"/train/cat/caf\xe9\n.png"
    with open(odd, "wb") as file:  # noqa: PTH123, bytes are no Path
        file.write((photos / "train" / "cat" / "000.png").read_bytes())
    before = load(photos)
    recorded.write(tmp_path / "run", before)
    assert "train/cat/caf\\xe9\\n.png,cat" in (
        tmp_path / "run" / runs.EXAMPLES
    ).read_text(encoding="utf-8")
    known = recorded.read(tmp_path / "run", whole=True)
    all_same(load(photos, known), before)


def test_sets_without_files_go_by_the_names_of_their_examples(tmp_path):
    before = data.load("digits_lt", data.Request(imbalance=20))
    recorded.write(tmp_path, before)
    known = recorded.read(tmp_path, whole=True)
    request = data.Request(imbalance=20, recorded=known)
    all_same(data.load("digits_lt", request), before)
    # Another seed draws other images, and none may change sides.
    known = recorded.read(tmp_path)
    request = data.Request(imbalance=20, seed=1, recorded=known)
    loaded = data.load("digits_lt", request)
    trained = set(before.train.names)
    assert set(loaded.train.names) < trained
    assert set(loaded.validation.names) <= set(before.validation.names)
    assert not trained & set(loaded.test.names)
    assert any("are missing" in note for note in loaded.notes)
