import keras
import pytest
from keras import layers

from elf_keras.models import layer_graph


def names(calls):
    return [call.operation.name for call in calls]


def diamond():
    """image - a - (b, c) - d - e, and a leap over e to f."""
    image = keras.Input((4,), name="image")
    a = layers.Dense(4, name="a")(image)
    b, c = layers.Dense(4, name="b")(a), layers.ReLU(name="c")(a)
    d = layers.Add(name="d")([b, c])
    e = layers.Dense(4, name="e")(d)
    return layers.Add(name="f")([d, e])


def test_calls_begin_at_the_input_and_end_at_the_tensor():
    found = names(layer_graph.calls([diamond()]))
    assert sorted(found) == ["a", "b", "c", "d", "e", "f", "image"]
    for before, after in ("ab", "ac", "bd", "cd", "de", "ef"):
        assert found.index(before) < found.index(after)


def test_bottlenecks_by_hand():
    found = names(layer_graph.bottlenecks(diamond()))
    assert found == ["image", "a", "d", "f"]


def test_every_call_of_a_chain_is_a_bottleneck():
    x = image = keras.Input((4,), name="image")
    for name in "abc":
        x = layers.ReLU(name=name)(x)
    keras.Model(image, layers.ReLU(name="beside")(x))
    assert names(layer_graph.bottlenecks(x)) == ["image", "a", "b", "c"]


def test_feature_maps_depend_on_weights_of_whatever_path():
    """Those of two branches: where they meet, though that has none."""
    image = keras.Input((4,), name="image")
    x = layers.ReLU(name="before")(image)
    branches = [layers.Dense(4, name=name)(x) for name in "ab"]
    x = layers.ReLU(name="after")(layers.Add(name="both")(branches))
    assert names(layer_graph.feature_maps(x)) == ["both", "after"]
    assert layer_graph.feature_maps(layers.ReLU()(image)) == []


def test_a_shared_layer_is_called_twice():
    shared = layers.Dense(4, name="shared")
    tensor = shared(shared(keras.Input((4,), name="image")))
    assert names(layer_graph.calls([tensor])) == ["image", "shared", "shared"]


@pytest.mark.parametrize(
    ("layer", "expected"),
    [
        (layers.Dense(2), True),
        (layers.ReLU(), False),
        (layers.BatchNormalization(), False),
        (keras.Sequential([layers.ReLU(), layers.Dense(2)]), True),
    ],
)
def test_kernels(layer, expected):
    layer(keras.Input((4,)))
    assert layer_graph.has_kernel(layer) is expected
