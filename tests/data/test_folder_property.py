"""Folders that nobody would make: no file is lost, no label is wrong."""

import os
import pathlib
import posixpath
import shutil
import tempfile
import unicodedata

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from elf_keras import data, errors, runs
from elf_keras.data.sources import split_folders

CLASSES = [
    *("cat", "dog", "1", "02", "__background__", "a b", " $x$ ", "\u732b"),
    *("caf\u00e9", "cafe\u0301", os.fsdecode(b"caf\xe9"), "n\nl", "C:\\d"),
]
NAMES = {
    "train": ["train", "Training"],
    "validation": ["VAL", "valid", "validation"],
    "test": ["test", "Testing", "Eval"],
}
IMAGES = ["1.png", "2.PNG", "3.bmp", "photo", os.fsdecode(b"\xff.png")]
OTHERS = ["4.txt", "5.heic", "6.xyz", ".hid.png", "Thumbs.db", "a", "7.png"]
ASIDE = [".git", "__MACOSX", "@eaDir", "more", "deep/er", "."]
FOUND = st.lists(st.sampled_from(IMAGES), max_size=3)
SPELLINGS = st.tuples(*map(st.sampled_from, NAMES.values()))
SIZE = st.tuples(st.integers(1, 9), st.integers(1, 9))


@st.composite
def folders(draw):
    """Files of a data folder, and links (place, target's number) in it."""
    classes = draw(
        st.lists(
            st.sampled_from(CLASSES),
            min_size=2,
            max_size=4,
            unique_by=lambda name: unicodedata.normalize("NFC", name),
        )
    )
    places = draw(st.sets(st.sampled_from([*NAMES]))) | {"train"}
    spelled = dict(zip(NAMES, draw(SPELLINGS), strict=True))
    roots = [spelled[split] for split in sorted(places)]
    roots = roots if draw(st.booleans()) else [""]
    inner = [f"{root}/{name}" for root in roots for name in classes]
    found = {f"{place}/{name}" for place in inner for name in draw(FOUND)}
    anywhere = st.sampled_from([*inner, *roots, "", "labels", "eval"])
    other = st.tuples(anywhere, st.sampled_from(ASIDE), st.sampled_from(OTHERS))
    found |= {"/".join(parts) for parts in draw(st.lists(other, max_size=5))}
    link = st.tuples(st.sampled_from(inner), st.integers(0, 30))
    links = draw(st.lists(link, max_size=3))
    # Every class has an image to train on, but now and then.
    if draw(st.integers(0, 4)):
        train = spelled["train"] if len(roots) > 1 or roots[0] else ""
        found |= {f"{train}/{name}/0.png" for name in classes}
    found = {posixpath.normpath(path).lstrip("/") for path in found}
    return sorted(found), links


def make(root, places, links, size):
    """Make files and links, and return the paths of all that is no folder."""
    for number, name in enumerate(places):
        path = root / name
        if path.is_dir() or any(map(pathlib.Path.is_file, path.parents)):
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.name in ("a", *OTHERS[:3], "Thumbs.db"):
            path.write_text("text")
        else:
            kind = "BMP" if path.suffix == ".bmp" else "PNG"
            grey = Image.new("RGB", size, (number,) * 3)
            grey.save(path, kind)
    made = [root, *sorted(root.rglob("*"))]
    for folder, target in links:
        place = root / folder / f"link{target}"
        if place.parent.is_dir() and not place.is_symlink():
            place.symlink_to(made[target % len(made)])
    return [
        (pathlib.Path(folder) / name).relative_to(root)
        for folder, _, names in os.walk(root)
        for name in names
    ]


def check(loaded, places, present):
    parts = [p for p in (loaded.train, loaded.validation, loaded.test) if p]
    used = [name for part in parts for name in part.names]
    told = [name for each in loaded.left_out for name in each.names]
    assert len({*used, *told}) == len(used) + len(told)
    whole = tuple(name for name in told if name.endswith("/"))
    for path in present:
        name = runs.legible(str(path))
        ways = [name in used, name in told, name.startswith(whole or "\0")]
        assert sum(ways) == 1, (name, ways)
    for part in parts:
        check_labels(part, loaded.class_names, places)


def check_labels(part, class_names, places):
    assert len({*map(split_folders.split_of, class_names)} - {None}) < 2
    # By its colour each file is known, also behind a link.
    assert len({image.max() for image in part.images}) == len(part)
    for image, label, name in zip(
        part.images, part.labels, part.names, strict=True
    ):
        folders = unicodedata.normalize("NFC", name).split("/")[:-1]
        split = len(folders) > 1 and split_folders.split_of(folders[0])
        assert class_names[label] == folders[bool(split)]
        if "/link" not in name:
            assert runs.legible(places[image.max()]) == name


@pytest.mark.slow
@settings(
    max_examples=150,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
)
@given(folders(), SIZE)
def test_every_file_is_used_or_told_and_labels_follow_names(drawn, size):
    places, links = drawn
    root = pathlib.Path(tempfile.mkdtemp())
    try:
        present = make(root, places, links, size)
        request = data.Request(root, image_size=4, validation_fraction=0.3)
        loaded = data.load("folder", request)
    except errors.InputError as error:
        assert str(error).isprintable()
    else:
        check(loaded, places, present)
    finally:
        shutil.rmtree(root)
