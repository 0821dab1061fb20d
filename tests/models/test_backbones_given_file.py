"""A file with a Keras model: read whole, or refused in one line."""

import json
import zipfile

import given_models
import keras
import numpy as np
import pytest
from keras import layers

from elf_keras import models
from elf_keras.errors import InputError
from elf_keras.models.backbones import given, given_file


@keras.saving.register_keras_serializable("theirs")
class Unknown(layers.Conv2D):
    """A layer that only its author's programs know."""


@keras.saving.register_keras_serializable("theirs")
def swish_of_theirs(x):
    return x


def saved(path, *made):
    image = keras.Input(given_models.SHAPE)
    x = image
    for layer in made:
        x = layer(x)
    keras.Model(image, x).save(path)
    return path


def test_a_file_is_read_with_its_weights(tmp_path):
    path = tmp_path / "my net.keras"
    model = given_models.tutorial()
    model.compile("adam", "mse")
    model.save(path)
    found = given_file.load(path)
    np.testing.assert_equal(found.get_weights(), model.get_weights())
    built = models.build(given_models.SHAPE, 3, backbone=str(path))
    assert built.name == "my_net"
    assert models.exits(built) == 3


@pytest.mark.parametrize(
    ("made", "says"),
    [
        (
            [Unknown(3, 1, name="a"), Unknown(3, 1, name="b")],
            r"has a \(Unknown\), b \(Unknown\), which Keras does not know",
        ),
        (
            [layers.Conv2D(3, 1), layers.Lambda(lambda x: x, name="odd")],
            r"has odd \(Lambda\), .*a lambda function",
        ),
        (
            [layers.Conv2D(3, 1, activation=swish_of_theirs)],
            "has the function theirs>swish_of_theirs, which",
        ),
    ],
)
def test_what_keras_does_not_know_is_named(tmp_path, made, says):
    path = saved(tmp_path / "model.keras", *made)
    with pytest.raises(InputError, match=says) as caught:
        given_file.load(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def damaged(path, change):
    saved(path, layers.Conv2D(3, 1))
    change(path)
    return path


def without_weights(path):
    with zipfile.ZipFile(path) as archive:
        config = archive.read("config.json")
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("config.json", config)


def another_config(value):
    def change(path):
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("config.json", json.dumps(value))

    return change


def compressed(path, member):
    """Packed once more by another tool, with bytes of a member turned."""
    with zipfile.ZipFile(path) as archive:
        content = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in content.items():
            archive.writestr(name, data)
        start = archive.getinfo(member).header_offset + 30 + len(member)
    found = bytearray(path.read_bytes())
    found[start : start + 8] = bytes(255 - byte for byte in found[start:][:8])
    path.write_bytes(found)


@pytest.mark.parametrize("member", ["config.json", "model.weights.h5"])
def test_damage_of_a_compressed_file_is_one_line(tmp_path, member):
    path = damaged(
        tmp_path / "model.keras", lambda path: compressed(path, member)
    )
    with pytest.raises(InputError, match="functional Keras model") as caught:
        given_file.load(path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "change",
    [
        lambda path: path.write_text("no zip"),
        lambda path: path.write_bytes(b""),
        lambda path: path.write_bytes(path.read_bytes()[:-200]),
        lambda path: path.unlink(),
        without_weights,
        another_config([1]),
        another_config("text"),
        another_config({"class_name": "Functional", "config": {}}),
        another_config({"module": "keras", "class_name": "Nothing"}),
        another_config({"module": 5, "class_name": "Dense"}),
        another_config(
            {"module": "keras.layers", "class_name": "Dense", "config": {}}
        ),
    ],
)
def test_missing_and_damaged_files_are_refused_in_one_line(tmp_path, change):
    path = damaged(tmp_path / "model.keras", change)
    with pytest.raises(InputError, match="functional Keras model") as caught:
        given.check(given_file.load(path), given_models.SHAPE, str(path))
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_run_of_ours_is_for_the_weights_flag(tmp_path):
    path = tmp_path / "model.keras"
    models.save(models.build((8, 8, 3), 3, backbone="resnet8"), path)
    with pytest.raises(InputError, match="exits already.*--weights"):
        models.build((8, 8, 3), 3, backbone=str(path))
