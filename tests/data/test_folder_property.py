"""Folders that nobody would make: no file is lost, no label is wrong."""

import os
import pathlib
import shutil
import tempfile
import unicodedata

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from elf_keras import data, errors, runs
from elf_keras.data.sources import split_folders

ODD = [
    *("cat", "dog", "1", "02", "__background__", "a b", " $x$ ", "\u732b"),
    *("caf\u00e9", "cafe\u0301", os.fsdecode(b"caf\xe9"), "n\nl", "C:\\d"),
]
SPLITS = ["train", "Training", "VAL", "valid", "validation", "test", "Eval"]
ASIDE = [".git", "__MACOSX", "@eaDir", "labels", "more"]
SUFFIXES = [".png", ".PNG", ".bmp", "", ".txt", ".heic", ".xyz", ".db"]
FOLDERS = st.sampled_from(SPLITS + ODD + ASIDE)
NAMES = st.builds(
    "{}{}".format,
    st.sampled_from(["1", "2", ".hid", "photo", os.fsdecode(b"\xff")]),
    st.sampled_from(SUFFIXES),
)
FILE = st.tuples(st.lists(FOLDERS, max_size=2), NAMES)
CLASS = st.tuples(st.sampled_from(ODD), st.lists(NAMES, max_size=3))
SPLIT = st.tuples(st.sampled_from([*SPLITS, ""]), st.lists(CLASS, max_size=3))
LINK = st.tuples(st.lists(FOLDERS, max_size=2), FOLDERS, st.integers(0, 20))
SIZE = st.tuples(st.integers(1, 9), st.integers(1, 9))


@st.composite
def files(draw):
    """Folders of splits and classes, and some of anything."""
    found = {
        (*([split] if split else []), name, file)
        for split, classes in draw(st.lists(SPLIT, min_size=1, max_size=3))
        for name, members in classes
        for file in members
    }
    found |= {(*fold, name) for fold, name in draw(st.lists(FILE, max_size=4))}
    return sorted(found)


def shade(parts):
    """What tells a file: a number of its own in its one colour."""
    return 1 + sum(b"/".join(map(os.fsencode, parts))) % 250


def make(root, places, links, size):
    """Make what is possible, and return the paths of all files."""
    for parts in places:
        path = root.joinpath(*parts)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            if path.suffix.lower() in (".txt", ".heic", ".xyz", ".db"):
                path.write_text("text")
            else:
                kind = "BMP" if path.suffix == ".bmp" else "PNG"
                Image.new("RGB", size, (shade(parts),) * 3).save(path, kind)
        except (FileExistsError, NotADirectoryError, IsADirectoryError):
            continue
    made = [root, *sorted(root.rglob("*"))]
    for folder, name, target in links:
        place = root.joinpath(*folder)
        if place.is_dir() and not (place / name).exists():
            (place / name).symlink_to(made[target % len(made)])
    return [
        path.relative_to(root)
        for folder, _, names in os.walk(root)
        for path in (pathlib.Path(folder, name) for name in names)
    ]


def check(loaded, present):
    parts = [p for p in (loaded.train, loaded.validation, loaded.test) if p]
    used = [name for part in parts for name in part.names]
    told = [name for each in loaded.left_out for name in each.names]
    assert len({*used, *told}) == len(used) + len(told)
    assert not {*loaded.skipped} & {*used}
    whole = tuple(name for name in told if name.endswith("/"))
    for path in present:
        name = runs.legible(str(path))
        ways = [name in used, name in told or name in loaded.skipped]
        ways += [name.startswith(whole)] if whole else []
        assert sum(ways) == 1, (name, ways)
    check_labels(loaded, parts)


def check_labels(loaded, parts):
    names = loaded.class_names
    assert len({*names}) == len(names) > 1
    flat = not any(
        split_folders.split_of(name.split("/")[0]) for name in parts[0].names
    )
    assert flat or len({*map(split_folders.split_of, names)} - {None}) < 2
    for part in parts:
        for image, label, name in zip(
            part.images, part.labels, part.names, strict=True
        ):
            folders = name.split("/")[:-1]
            known = [unicodedata.normalize("NFC", each) for each in folders]
            assert names[label] in known[:2]
            assert np.ptp(image) == 0


@settings(
    max_examples=120,
    deadline=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
)
@given(files(), st.lists(LINK, max_size=3), SIZE)
def test_every_file_is_used_or_told_and_labels_follow_names(
    places, links, size
):
    root = pathlib.Path(tempfile.mkdtemp())
    try:
        present = make(root, places, links, size)
        request = data.Request(root, image_size=4, validation_fraction=0.3)
        try:
            loaded = data.load("folder", request)
        except errors.InputError as error:
            assert str(error).isprintable()
        else:
            check(loaded, present)
    finally:
        shutil.rmtree(root)
