import dataclasses

import keras
import numpy as np
import pytest

from elf_keras.errors import InputError
from elf_keras.models.backbones import BACKBONES
from elf_keras.models.backbones.resnets import ZeroPaddedShortcut
from elf_keras.models.backbones.tapped import TappedBackbone


def build(shape, name="resnet8"):
    return BACKBONES[name](keras.Input(shape))


def kinds(backbone, kind):
    model = keras.Model(backbone.inputs, backbone.features)
    return [layer for layer in model.layers if type(layer).__name__ == kind]


@pytest.mark.parametrize("name", ["resnet8", "resnet20"])
def test_depth_counts_convolutions_and_the_classifier(name):
    convolutions = kinds(build((32, 32, 3), name), "Conv2D")
    assert len(convolutions) + 1 == int(name.removeprefix("resnet"))
    assert not any(layer.use_bias for layer in convolutions)


@pytest.mark.parametrize(
    ("side", "sides"),
    [
        (32, [32, 32, 16, 8]),
        (8, [8, 8, 4, 2]),
        (7, [7, 7, 4, 2]),  # an odd side is rounded up
        (4, [4, 4, 2, 1]),
    ],
)
def test_taps_lie_before_each_group(side, sides):
    backbone = build((side, side, 3))
    assert list(backbone.taps) == ["group_1", "group_2", "group_3"]
    maps = [*backbone.taps.values(), backbone.features]
    expected = zip(sides, sides, [16, 16, 32, 64], strict=True)
    assert [each.shape[1:] for each in maps] == [*expected]


def test_oblong_images_keep_their_shape():
    assert build((12, 20, 1)).features.shape[1:] == (3, 5, 64)


def test_every_tap_is_a_cut():
    # From a tap on, the features must be computable without the image.
    backbone = build((8, 8, 3))
    for tap in backbone.taps.values():
        rest = keras.Model(tap, backbone.features)
        assert rest.input_shape == tap.shape


@pytest.mark.parametrize("shape", [(3, 32, 3), (32, 3, 3), (1, 1, 1)])
def test_images_that_are_too_small_are_refused(shape):
    says = f"side {min(shape[:2])}.*at least 4.*; give larger images "
    with pytest.raises(InputError, match=says + r"\(--image_size\)"):
        build(shape)


def test_shortcut_by_hand():
    images = np.arange(2 * 3 * 4 * 2).reshape(2, 3, 4, 2).astype("float32")
    found = np.asarray(ZeroPaddedShortcut(5, 2)(images))
    # Rows 0 and 2, columns 0 and 2; three new channels: one before, two after.
    expected = np.zeros((2, 2, 2, 5), "float32")
    for row, column in np.ndindex(2, 2):
        expected[:, row, column, 1:3] = images[:, 2 * row, 2 * column]
    np.testing.assert_array_equal(found, expected)


def test_shortcut_configuration_round_trip():
    layer = ZeroPaddedShortcut(32, 2, name="shortcut")
    copy = keras.layers.deserialize(keras.layers.serialize(layer))
    assert (copy.filters, copy.stride, copy.name) == (32, 2, "shortcut")


TAPPED = TappedBackbone("image", {"a": 1, "b": 2, "c": 3}, "features")


@pytest.mark.parametrize(
    ("exits", "chosen"),
    [
        ("all", {"a": 1, "b": 2, "c": 3}),
        ("none", {}),
        ("2", {"b": 2}),
        ("1,3", {"a": 1, "c": 3}),
        ("3,1", {"a": 1, "c": 3}),
    ],
)
def test_choosing_taps(exits, chosen):
    assert list(TAPPED.chosen(exits).items()) == list(chosen.items())


def test_filters_are_those_of_the_chosen_taps():
    pairs = ((8, 16), (24, 32), (40, 48))
    own = dataclasses.replace(TAPPED, head_filters=pairs)
    assert own.filters(["a", "c"]) == [(8, 16), (40, 48)]
    image = keras.Input((4, 4, 3))
    assert TappedBackbone(image, {"a": image}, image).filters(["a"]) == [(3, 3)]


def test_without_taps_there_is_no_exit_to_choose():
    image = keras.Input((20, 30, 3))
    tapless = TappedBackbone(image, {}, image)
    assert tapless.chosen("none") == {}
    for exits in ("all", "1"):
        with pytest.raises(InputError, match="no place for an early") as told:
            tapless.chosen(exits)
        # A notebook has no flags: each is named beside what it gives.
        assert "give larger images (--image_size), another" in str(told.value)
        assert "or no exits (--exits=none)" in str(told.value)


@pytest.mark.parametrize(
    "exits", ["", "0", "4", "1,1", "1,", "-1", "first", "all,1", "1.0"]
)
def test_wrong_choices_of_taps_are_refused(exits):
    with pytest.raises(InputError, match="all, none, or.*1, 2, 3") as caught:
        TAPPED.chosen(exits)
    assert repr(exits) in str(caught.value)
