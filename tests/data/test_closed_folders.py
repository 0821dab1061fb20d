"""Folders that may not be listed are named: they would seem empty."""

import os
import pathlib
import shutil
import tempfile

import photo_folders
import pytest

from elf_keras import data, errors


@pytest.fixture
def animals(tmp_path):
    for number in range(3):
        photo = photo_folders.smooth(number, (8, 8))
        for name in ("train/cat", "train/dog", "test/cat", "test/dog"):
            photo_folders.save(tmp_path / name / f"{number}.png", photo)
    return tmp_path


def load(place):
    return data.load("folder", data.Request(place, image_size=4))


@pytest.mark.parametrize("closed", ["", "train", "train/cat"])
def test_a_folder_that_may_not_be_listed_is_named(animals, closed):
    """By the system; to root nothing is closed, so root is another user."""
    # All that is imported late: another user may not read it.
    load(animals)
    user = os.geteuid()
    with tempfile.TemporaryDirectory() as place:
        pathlib.Path(place).chmod(0o755)
        root = shutil.copytree(animals, pathlib.Path(place, "animals"))
        root.chmod(0o755)
        (root / closed).chmod(0)
        try:
            os.seteuid(user or 65534)
            with pytest.raises(errors.InputError, match="cannot be opened"):
                load(root)
        finally:
            os.seteuid(user)
            (root / closed).chmod(0o755)


def test_what_cannot_be_opened_is_named(animals, monkeypatch):
    """As of the system, whoever runs the tests."""
    scandir = os.scandir

    closed = []

    def listed(path):
        if str(path).endswith(closed[-1]):
            raise PermissionError(13, "Permission denied")
        return scandir(path)

    monkeypatch.setattr(os, "scandir", listed)
    says = r"cannot be opened \(Permission denied\)"
    for place in (animals.name, "/train", "/train/cat"):
        closed.append(place)
        with pytest.raises(errors.InputError, match=says):
            load(animals)
