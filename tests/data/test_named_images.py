"""Which files a command line means: files, folders, globs."""

import os
import pathlib

import command_runs
import pytest

from elf_keras.data import image_formats
from elf_keras.data.named_images import NamedImages


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A folder to stand in, with photos in folders and other files."""
    monkeypatch.chdir(tmp_path)
    names = ("photos/cat/10.png", "photos/cat/9.png", "photos/dog/1.jpg")
    for name in (*names, "photos/.hidden.png", "a[1].png", "b1.png"):
        command_runs.draw(pathlib.Path(name))
    pathlib.Path("photos/notes.txt").write_text("text")
    return tmp_path


def found(*words):
    named = NamedImages([*words])
    return [*named], named.left_out


def test_a_folder_means_the_images_below_it(here):
    images, left_out = found("photos/")
    expected = ["photos/cat/10.png", "photos/cat/9.png", "photos/dog/1.jpg"]
    assert [(os.path.normpath(path), why) for path, why in images] == [
        (path, "") for path in expected
    ]
    assert left_out == {"hidden": 1, "suffix .txt is no image": 1}


def test_what_is_named_is_meant_whatever_it_is(here):
    words = ["photos/notes.txt", "nowhere.png", "a[1].png", "b1.png"]
    assert found(*words)[0] == [(word, "") for word in words]


@pytest.mark.parametrize(
    ("word", "names"),
    [
        ("photos/cat/*.png", ["photos/cat/10.png", "photos/cat/9.png"]),
        ("[ab]1.png", ["b1.png"]),
        ("photos/[!c]*/*", ["photos/dog/1.jpg"]),
        ("photos/d?g", ["photos/dog/1.jpg"]),
        ("**/*.jpg", ["photos/dog/1.jpg"]),
        (
            "photos/**",
            [
                *("photos/cat/10.png", "photos/cat/9.png"),
                *("photos/dog/1.jpg", "photos/notes.txt"),
            ],
        ),
    ],
)
def test_globs(here, word, names):
    assert found(word)[0] == [(name, "") for name in names]


def test_words_that_mean_nothing_are_told(here):
    (here / "empty").mkdir()
    (here / "empty" / "notes.txt").write_text("text")
    assert found("*.gif", "empty")[0] == [
        ("*.gif", "matches no file"),
        ("empty", "no images in this folder"),
    ]


def test_an_image_that_nothing_here_reads_is_told(here, monkeypatch):
    readable = image_formats.FORMATS
    monkeypatch.setattr(image_formats, "readable", lambda: readable)
    (here / "photos" / "dog" / "2.heic").write_bytes(b"")
    images, left_out = found("photos/dog")
    reason = 'pillow-heif (pip install pillow-heif, or "elf_keras[heic]")'
    told = ("photos/dog/2.heic", f".heic needs {reason}")
    assert images == [("photos/dog/1.jpg", ""), told]
    assert not left_out


def test_a_folder_of_unreadable_images_alone_is_not_called_empty(
    here, monkeypatch
):
    readable = image_formats.FORMATS
    monkeypatch.setattr(image_formats, "readable", lambda: readable)
    (here / "new").mkdir()
    (here / "new" / "1.heic").write_bytes(b"")
    assert [path for path, _ in found("new")[0]] == ["new/1.heic"]
