"""A model, and data of another size or of other classes than its own."""

import dataclasses

import pytest
import tiny

from elf_keras.cli import fitting_model
from elf_keras.data import images
from elf_keras.errors import InputError


@pytest.fixture
def path(tmp_path):
    tiny.model().save(tmp_path / "model.keras")
    return tmp_path / "model.keras"


def test_data_of_its_own(path):
    assert fitting_model.load(path, tiny.data()).name == tiny.model().name


def test_images_of_another_size(path):
    data = tiny.data()
    data = dataclasses.replace(data, train=images.resized(data.train, 4))
    says = "of 2 x 2 x 1 images.*have 4 x 4 x 1.*leave --image_size out"
    with pytest.raises(InputError, match=says):
        fitting_model.load(path, data)


@pytest.mark.parametrize("names", [("a", "b"), ("a", "b", "c", "d")])
def test_other_classes(path, names):
    data = dataclasses.replace(tiny.data(), class_names=names)
    says = f"and 3 classes, the data have .* and {len(names)} classes; mine"
    with pytest.raises(InputError, match=says):
        fitting_model.load(path, data, remedy="mine")
