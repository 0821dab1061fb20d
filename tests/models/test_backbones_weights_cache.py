import hashlib
import pathlib

import numpy as np
import pytest

from elf_keras.models.backbones import weights_cache

NUMBERS = np.array([0.1, -2.5, 3e8], "float32")
SHA256 = hashlib.sha256(NUMBERS.astype("<f4").tobytes()).hexdigest()
NAME = "made.float32"


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("ELF_KERAS_CACHE", str(tmp_path / "deep" / "cache"))
    return tmp_path / "deep" / "cache"


def test_what_is_kept_is_read_bit_for_bit(folder):
    assert weights_cache.read(NAME, SHA256) is None
    weights_cache.write(NAME, NUMBERS)
    np.testing.assert_array_equal(weights_cache.read(NAME, SHA256), NUMBERS)
    assert [path.name for path in folder.iterdir()] == [NAME]


def test_another_content_is_none(folder):
    weights_cache.write(NAME, NUMBERS + 1)
    assert weights_cache.read(NAME, SHA256) is None
    (folder / NAME).write_bytes(NUMBERS.tobytes()[:-1])
    assert weights_cache.read(NAME, SHA256) is None
    weights_cache.write(NAME, NUMBERS)
    assert weights_cache.read(NAME, SHA256) is not None


@pytest.mark.parametrize("kind", ["file", "folder"])
def test_where_nothing_can_be_written_there_is_no_cache(
    kind, tmp_path, monkeypatch
):
    monkeypatch.setenv("ELF_KERAS_CACHE", str(tmp_path / "in"))
    if kind == "file":
        (tmp_path / "in").write_text("not a folder")
    else:
        (tmp_path / "in" / NAME / "full").mkdir(parents=True)
    weights_cache.write(NAME, NUMBERS)
    assert weights_cache.read(NAME, SHA256) is None


@pytest.mark.parametrize(
    ("own", "shared", "home", "expected"),
    [
        ("/own", "/shared", "/home/a", "/own"),
        ("", "/shared", "/home/a", "/shared/elf_keras"),
        ("", "", "/home/a", "/home/a/.cache/elf_keras"),
        ("", "relative", "/home/a", "/home/a/.cache/elf_keras"),
    ],
)
def test_folders_in_their_order(own, shared, home, expected, monkeypatch):
    monkeypatch.setenv("ELF_KERAS_CACHE", own)
    monkeypatch.setenv("XDG_CACHE_HOME", shared)
    monkeypatch.setenv("HOME", home)
    assert weights_cache.folder() == pathlib.Path(expected)


def test_without_a_home_there_is_no_cache(monkeypatch):
    def homeless():
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.delenv("ELF_KERAS_CACHE", raising=False)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setattr(pathlib.Path, "home", homeless)
    assert weights_cache.folder() is None
    weights_cache.write(NAME, NUMBERS)
    assert weights_cache.read(NAME, SHA256) is None
