"""--validation_group=alike, from the flag to the cut."""

import command_runs
import numpy as np
import photo_folders
import pytest

from elf_keras.cli import (
    alike_from_flags,
    data_from_flags,
    weights_from_flags,
)
from elf_keras.errors import InputError
from elf_keras.training import alike

WORDS = ("--workdir=", "--dataset=folder", "--validation_group=alike")


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    """Two classes of five series, of one photo saved four times each."""
    root = tmp_path_factory.mktemp("photos")
    for number in range(10):
        name = f"{'cat' if number < 5 else 'dog'}"
        for copy in range(4):
            path = root / name / f"{copy}_{number}.png"
            photo = photo_folders.smooth(number, (40, 40))
            photo_folders.save_commented(path, photo)
    return root


def test_no_series_is_on_both_sides_of_the_cut(photos, monkeypatch):
    """With features that are the pixels: a backbone is another test's."""
    monkeypatch.setattr(weights_from_flags, "published", lambda shape: ())
    monkeypatch.setattr(
        alike,
        "features",
        lambda examples: np.asarray(examples.images, "float32").reshape(
            len(examples), -1
        ),
    )
    words = (*WORDS, "--weights=pretrained", f"--data_dir={photos}")
    with command_runs.fresh_flags(*words, "--validation_fraction=0.25"):
        data = data_from_flags.splits()
    sides = [
        {name.rpartition("_")[2] for name in part.names}
        for part in (data.train, data.validation)
    ]
    assert len(data.validation) % 4 == 0
    assert data.validation and not sides[0] & sides[1]


def test_classes_of_one_series_each_are_cut_at_random(
    photos, monkeypatch, capsys
):
    """Else nothing could be chosen, which would be told after training."""
    monkeypatch.setattr(weights_from_flags, "published", lambda shape: ())
    monkeypatch.setattr(
        alike,
        "features",
        lambda examples: np.eye(2)[examples.labels],
    )
    words = (*WORDS, "--weights=pretrained", f"--data_dir={photos}")
    with command_runs.fresh_flags(*words, "--validation_fraction=0.25"):
        data = data_from_flags.splits()
    assert np.bincount(data.validation.labels).tolist() == [5, 5]
    said = capsys.readouterr().err
    assert "are alike" in said and "its scores are too high" in said


def test_one_class_of_two_is_not_all_of_validation(photos, monkeypatch, capsys):
    """As with defects that differ and pieces without one, all alike."""
    monkeypatch.setattr(weights_from_flags, "published", lambda shape: ())

    def features(examples):
        found = np.zeros((len(examples), 21))
        found[:, 20] = examples.labels == 0
        dogs = np.flatnonzero(examples.labels == 1)
        found[dogs, np.arange(len(dogs))] = 1
        return found

    monkeypatch.setattr(alike, "features", features)
    words = (*WORDS, "--weights=pretrained", f"--data_dir={photos}")
    with command_runs.fresh_flags(*words, "--validation_fraction=0.25"):
        data = data_from_flags.splits()
    assert np.bincount(data.validation.labels).tolist() == [5, 5]
    assert "in 1 of 2 classes all" in capsys.readouterr().err


def test_of_classes_of_one_photo_each_nothing_is_said(
    monkeypatch, tmp_path, capsys
):
    monkeypatch.setattr(weights_from_flags, "published", lambda shape: ())
    monkeypatch.setattr(
        alike, "features", lambda examples: np.eye(2)[examples.labels]
    )
    for number, name in enumerate("ab"):
        picture = photo_folders.smooth(number, (40, 40))
        photo_folders.save(tmp_path / name / "0.png", picture)
    words = (*WORDS, "--weights=pretrained", f"--data_dir={tmp_path}")
    with command_runs.fresh_flags(*words, "--validation_fraction=0.25"):
        data = data_from_flags.splits()
    assert data.validation is None
    assert "alike" not in capsys.readouterr().err


def test_without_given_weights_it_is_refused(photos):
    with (
        command_runs.fresh_flags(*WORDS, f"--data_dir={photos}"),
        pytest.raises(InputError, match="--weights=none.*--weights=pretrained"),
    ):
        data_from_flags.splits()


def test_too_many_images_are_cut_at_random(photos, monkeypatch, capsys):
    monkeypatch.setattr(alike_from_flags, "MOST_IMAGES", 39)
    words = (*WORDS, "--weights=pretrained", f"--data_dir={photos}")
    with command_runs.fresh_flags(*words, "--validation_fraction=0.25"):
        data = data_from_flags.splits()
    assert len(data.validation) == 10
    assert "too many" in capsys.readouterr().err


def test_data_without_photos_have_none_that_are_alike():
    words = ("--workdir=", "--dataset=digits_lt", "--validation_group=alike")
    with (
        command_runs.fresh_flags(*words),
        pytest.raises(InputError, match="'alike' with digits_lt: only"),
    ):
        data_from_flags.splits()
