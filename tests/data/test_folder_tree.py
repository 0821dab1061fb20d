"""What a data folder holds: listed once, or left out with a reason."""

import os
import socket

import numpy as np
import photo_folders
import pytest
from PIL import Image

from elf_keras import data
from elf_keras.data import image_formats
from elf_keras.data.sources import folder_tree
from elf_keras.errors import InputError

HEIC = 'pillow-heif (pip install pillow-heif, or "elf_keras[heic]")'


def photo(path, shade=100, **options):
    return photo_folders.save(path, Image.new("RGB", (4, 4), shade), **options)


def fill(root, count, *classes):
    for name in classes:
        for index in range(count):
            photo(root / name / f"{index}.png")
    return root


def load(root, **more):
    return data.load("folder", data.Request(root, image_size=4, **more))


def left_out(loaded):
    return {each.reason: each.names for each in loaded.left_out}


def names(loaded):
    parts = (loaded.train, loaded.validation, loaded.test)
    return sorted(name for part in parts if part for name in part.names)


def test_what_is_no_image_is_counted_by_reason(tmp_path):
    root = fill(tmp_path / "photos", 2, "cat", "dog", "__background__")
    for name in ("a.txt", "b.TXT", "c", ".hidden.png", "Thumbs.db", "d.csv"):
        (root / "cat" / name).write_text("no image")
    for name in (".git", "__MACOSX", "@eaDir", "more"):
        photo(root / "dog" / name / "1.png")
    photo(root / "1.png")
    (root / ".DS_Store").touch()
    with socket.socket(socket.AF_UNIX) as server:
        here = os.open(root, os.O_RDONLY)
        server.bind(f"/proc/self/fd/{here}/cat/z.png")
        os.close(here)
    loaded = load(root)
    assert loaded.class_names == ("__background__", "cat", "dog")
    assert loaded.class_counts.tolist() == [2, 2, 3]
    assert left_out(loaded) == {
        "hidden": (".DS_Store", "cat/.hidden.png", "dog/.git/"),
        "in no class folder": ("1.png",),
        "no ordinary file": ("cat/z.png",),
        "of the system": ("cat/Thumbs.db", "dog/@eaDir/", "dog/__MACOSX/"),
        "suffix .csv is no image": ("cat/d.csv",),
        "suffix .txt is no image": ("cat/a.txt", "cat/b.TXT"),
        "without suffix, and no image by its first bytes": ("cat/c",),
    }
    told = "2 left out, suffix .txt is no image: 'cat/a.txt', 'cat/b.TXT'."
    assert told in loaded.notes


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "kind"),
    [
        *(("1.jfif", "JPEG"), ("1.JPE", "JPEG"), ("1.avif", "AVIF")),
        *(("photo", "JPEG"), ("photo", "PNG"), ("photo", "WEBP")),
        *(("photo", "TIFF"), ("photo", "BMP"), ("photo", "GIF")),
        *(("photo", "PPM"), ("photo", "AVIF"), ("photo", "HEIF")),
        *(("1.heic", "HEIF"), ("1.HIF", "HEIF"), ("1.jpg", "HEIF")),
    ],
)
@pytest.mark.parametrize("images_on", ["memory", "disk"])
def test_unusual_suffixes_and_none(tmp_path, name, kind, images_on):
    if kind in ("AVIF", "HEIF") and kind not in image_formats.readable():
        pytest.skip(f"nothing here reads {kind}")
    fill(tmp_path, 1, "cat", "dog")
    photo(tmp_path / "dog" / name, 200, format=kind)
    loaded = load(tmp_path, images_on=images_on, validation_fraction=0)
    assert loaded.train.names[-1] == f"dog/{name}"
    found = np.asarray(loaded.train.images[-1:])
    np.testing.assert_allclose(found, 0 * found + (200, 0, 0), atol=4)


def test_formats_that_nothing_here_reads(tmp_path, monkeypatch):
    readable = image_formats.FORMATS
    monkeypatch.setattr(image_formats, "readable", lambda: readable)
    fill(tmp_path, 1, "cat", "dog")
    for name in ("1.heic", "2.HEIF", "3.avif"):
        (tmp_path / "cat" / name).write_bytes(b"\0\0\0\x18ftypheic")
    (tmp_path / "cat" / "4").write_bytes(b"\0\0\0\x18ftypheic")
    (tmp_path / "cat" / "5.JXL").write_bytes(b"")
    (tmp_path / "cat" / "6").write_bytes(b"\xff\x0a" + bytes(20))
    loaded = load(tmp_path)
    assert left_out(loaded) == {
        "JPEG XL is not read; convert it to PNG or JPEG": (
            *("cat/5.JXL", "cat/6"),
        ),
        ".avif needs Pillow 11.3 or newer": ("cat/3.avif",),
        f".heic needs {HEIC}": ("cat/1.heic", "cat/4"),
        f".heif needs {HEIC}": ("cat/2.HEIF",),
    }


@pytest.mark.parametrize("kept", [(), ("dog",)])
def test_classes_of_photos_that_nothing_here_reads(tmp_path, monkeypatch, kept):
    readable = image_formats.FORMATS
    monkeypatch.setattr(image_formats, "readable", lambda: readable)
    fill(tmp_path, 1, *kept)
    for name in {"cat", "dog"} - {*kept}:
        (tmp_path / name).mkdir()
        (tmp_path / name / "1.heic").write_bytes(b"\0\0\0\x18ftypheic")
    with pytest.raises(InputError) as told:
        load(tmp_path)
    left = f"{2 - len(kept)} left out, .heic needs {HEIC}"
    assert left in str(told.value)
    assert "\n" not in str(told.value)


def test_links_are_followed(tmp_path):
    root = fill(tmp_path / "photos", 2, "cat", "dog")
    fill(tmp_path / "pool", 3, "more", "owl")
    (root / "cat" / "more").symlink_to(tmp_path / "pool" / "more")
    (root / "owl").symlink_to(tmp_path / "pool" / "owl")
    photo(tmp_path / "one" / "alone.png")
    (root / "dog" / "linked.png").symlink_to(tmp_path / "one" / "alone.png")
    loaded = load(root)
    assert loaded.class_names == ("cat", "dog", "owl")
    assert loaded.class_counts.tolist() == [5, 3, 3]
    assert "cat/more/2.png" in names(loaded)
    assert not loaded.left_out


def test_links_lead_nowhere_twice(tmp_path):
    root = fill(tmp_path / "photos", 2, "cat", "dog")
    for link, target in (
        ("cat/above", root),
        ("cat/aside", root / "dog"),
        ("cat/below/back", root / "cat" / "below"),
        ("cat/circle", root / "cat" / "circle"),
        ("cat/a.png", root / "dog" / "0.png"),
        ("cat/gone.png", root / "gone.png"),
        ("dog/home", tmp_path.parent),
    ):
        (root / link).parent.mkdir(exist_ok=True)
        (root / link).symlink_to(target)
    loaded = load(root)
    assert names(loaded) == ["cat/0.png", "cat/1.png", "dog/0.png", "dog/1.png"]
    assert left_out(loaded) == {
        "link to nothing": ("cat/circle", "cat/gone.png"),
        "linked twice": (
            *("cat/a.png", "cat/above/", "cat/aside/", "cat/below/back/"),
            "dog/home/",
        ),
    }


def test_many_links_between_folders_are_walked_once(tmp_path):
    pool = fill(tmp_path / "pool", 1, *map(str, range(9)))
    for place in pool.iterdir():
        for other in pool.iterdir():
            (place / f"to_{other.name}").symlink_to(other)
    root = fill(tmp_path / "photos", 1, "cat", "dog")
    (root / "cat" / "pool").symlink_to(pool / "0")
    loaded = load(root)
    assert loaded.class_counts.tolist() == [10, 1]


def test_splits_that_share_files_by_links_are_told(tmp_path):
    fill(tmp_path / "train", 3, "cat", "dog")
    fill(tmp_path / "test", 3, "cat", "dog")
    (tmp_path / "val").symlink_to("test")
    loaded = load(tmp_path)
    assert len(loaded.validation) == len(loaded.test) == 6
    told = "6 files of test are links to files of validation, or the"
    assert any(note.startswith(told) for note in loaded.notes)


def test_a_folder_that_may_not_be_opened_is_told(tmp_path, monkeypatch):
    def scandir(path, opened=os.scandir):
        if path.endswith("secret"):
            raise PermissionError(13, "Permission denied")
        return opened(path)

    fill(tmp_path, 1, "cat", "dog", "cat/secret")
    monkeypatch.setattr(os, "scandir", scandir)
    loaded = load(tmp_path)
    assert left_out(loaded) == {
        "cannot be opened (Permission denied)": ("cat/secret/",)
    }


def test_a_listing_has_the_order_of_paths(tmp_path):
    for name in ("a-b/1.png", "a/2.png", "a/10.png", "a.png", "B.png"):
        photo(tmp_path / "cat" / name)
    (found,) = folder_tree.Tree(tmp_path).images(["cat"])
    paths = sorted((tmp_path / "cat").rglob("*.png"))
    assert found == [str(path.relative_to(tmp_path)) for path in paths]
