"""Where exits sit: at named layers, and where the rule leaves gaps."""

import given_models
import keras
import pytest
from keras import layers

from elf_keras import models
from elf_keras.errors import InputError
from elf_keras.models import layer_graph
from elf_keras.models.backbones import tap_rule
from elf_keras.models.backbones.tapped import TappedBackbone

SHAPE = (8, 8, 4)


def chain(*filters, stride_at=()):
    """Convolutions 1x1, whose cost is positions x channels; 0 for a pooling."""
    x = keras.Input(SHAPE)
    for number, width in enumerate(filters):
        if not width:
            x = layers.MaxPooling2D(name=f"pool_{number}")(x)
            continue
        stride = 2 if number in stride_at else 1
        name = f"conv_{number}"
        x = layers.Conv2D(width, 1, strides=stride, name=name)(x)
        x = layers.ReLU(name=f"relu_{number}")(x)
    return x


@pytest.mark.parametrize(
    ("filters", "strides", "expected"),
    [
        # 4 parts before the only tap and 9 behind it; of 13 the middle is 8.5,
        # of 4 to 9 it is 6.5, of 9 to 13 it is 11: each time the later one.
        ([4] * 10, (1,), [0, 3, 5, 7]),
        # The rule picks none of ten equal ones; 1 to 10 has the middle 5.5,
        # then 1 to 6 has 3.5 and 6 to 10 has 8.
        ([4] * 10, (), [3, 5, 7]),
        # Three equal parts and the stem: no gap is above 30 %.
        ([4] * 4, (1, 2, 3), [0, 1, 2]),
        # All is in one layer: nothing lies between.
        ([4, 4, 400], (1, 2), [0, 1]),
        # Behind the second nothing is multiplied: the last is a pooling.
        ([4, 4, 0], (1,), [0]),
    ],
)
def test_gaps(filters, strides, expected):
    """MACs of a layer: positions x channels in x out; strides thin them."""
    features = chain(*filters, stride_at=strides)
    found = tap_rule.find(features, 8)
    found = tap_rule.without_gaps(features, found)
    shares = [int(name.removeprefix("relu_")) for name in found]
    assert shares == expected


def inverted(features):
    """Widened sixfold, then narrowed: an inverted residual block's layers."""
    x = layers.Conv2D(24, 1, name="wide")(features)
    x = layers.DepthwiseConv2D(3, padding="same", name="depthwise")(x)
    return layers.Conv2D(4, 1, name="narrow")(x)


def test_a_gap_is_not_filled_within_what_is_widened():
    x = layers.Conv2D(4, 1, name="stem")(keras.Input(SHAPE))
    x = layers.Conv2D(4, 1, strides=2, name="half")(x)
    x = inverted(x)
    x = layers.Conv2D(40, 1, name="last")(x)
    found = tap_rule.without_gaps(x, tap_rule.find(x, 8))
    assert list(found) == ["stem", "narrow"]


def small(*exits, **options):
    return models.build(
        given_models.SHAPE, 3, exits=exits, backbone="resnet8", **options
    )


def test_named_layers_are_where_exits_read():
    taps = ("stem_relu", "group_2_block_1_relu")
    assert models.tap_names(small(*taps))[:-1] == [*taps]
    assert models.exits(small()) == 1
    # The heads of a CIFAR ResNet, at whatever layer.
    assert small("stem_norm").get_layer("exit_1_1_conv").filters == 64


def test_filters_are_those_of_the_nearest_tap_of_its_own():
    features = chain(4, 4, 4, 4, 4, 4)
    calls = layer_graph.calls([features])
    ends = {call.operation.name: call.outputs[0] for call in calls}
    own = {name: ends[name] for name in ("relu_1", "relu_4")}
    tapped = TappedBackbone(None, own, features, head_filters=((1, 2), (3, 4)))
    found = tap_rule.at(tapped, ["conv_0", "relu_2", "conv_4"])
    assert found.head_filters == ((1, 2), (1, 2), (3, 4))
    assert list(found.taps) == ["conv_0", "relu_2", "conv_4"]


@pytest.mark.parametrize(
    ("taps", "says"),
    [
        (["stem_relv"], "no such layer.*group_3_block_1_relu.*stem_relu"),
        ([""], "no such layer.*some that would do: stem_conv"),
        (
            ["group_2_block_1_1_conv"],
            "several paths.*: group_1_block_1_relu, group_2_block_1_add",
        ),
        (["image"], "the image itself"),
        (["normalize"], "the image itself"),
        (["group_3_block_1_relu"], "the last feature map.*leave it out"),
        (["stem_relu", "stem_conv"], "image on: stem_conv,stem_relu$"),
        (["stem_relu", "stem_relu"], "different layers"),
    ],
)
def test_layers_that_are_no_place_for_an_exit(taps, says):
    with pytest.raises(InputError, match=says) as caught:
        small(*taps)
    assert "\n" not in str(caught.value)


def test_a_layer_that_gives_no_feature_map():
    x = keras.Input(SHAPE)
    image = x
    x = layers.Conv2D(4, 1, name="first")(x)
    x = layers.Reshape((64, 4), name="flat")(x)
    x = layers.Dense(4, name="tokens")(x)
    x = layers.Reshape((8, 8, 4), name="map")(x)
    x = layers.Conv2D(4, 1, name="last")(x)
    with pytest.raises(InputError, match="'tokens' is no feature map.*map"):
        tap_rule.at(TappedBackbone(image, {}, x), ["tokens"])
