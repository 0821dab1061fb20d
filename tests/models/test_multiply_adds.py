import keras
import numpy as np
import pytest
from keras import layers

from elf_keras import models
from elf_keras.errors import InputError
from elf_keras.models import exit_heads, multiply_adds

RESNET32 = 68_862_592


class Own(layers.Conv2D):
    """A subclass counts like its base."""


def called(layer, shape=(8, 8, 6)):
    layer(keras.Input(shape))
    return layer


def conv(*given, padding="same", **options):
    return layers.Conv2D(10, 3, *given, padding=padding, **options)


@pytest.mark.parametrize(
    ("layer", "macs"),
    [
        # 8 x 8 positions, 3 x 3 x 6 values each, 10 filters.
        (conv(), 64 * 54 * 10),
        (conv(strides=2), 16 * 54 * 10),
        (conv(padding="valid"), 36 * 54 * 10),
        (Own(10, 3), 36 * 54 * 10),
        # Dilated by 2 a kernel of 3 spans 5: 4 x 4 positions remain.
        (conv(padding="valid", dilation_rate=2), 16 * 54 * 10),
        # Two groups: each filter sees 3 of the 6 channels.
        (conv(groups=2), 64 * 27 * 10),
        # 8 channels of 8 x 6 pixels.
        (conv(data_format="channels_first"), 48 * 72 * 10),
        (layers.DepthwiseConv2D(3, padding="same"), 64 * 9 * 6),
        (layers.DepthwiseConv2D(3, depth_multiplier=2), 36 * 9 * 12),
        (
            layers.SeparableConv2D(10, 3, strides=2, padding="same"),
            16 * (9 * 6 + 6 * 10),
        ),
        # Every one of the 8 x 8 input values is spread.
        (layers.Conv2DTranspose(10, 3, strides=2), 64 * 54 * 10),
        (layers.Dense(10), 64 * 6 * 10),
        (layers.BatchNormalization(), 0),
        (layers.LayerNormalization(axis=(2, 3)), 0),
        (layers.PReLU(), 0),
        (layers.ReLU(), 0),
        (layers.MaxPooling2D(), 0),
        (layers.GlobalAveragePooling2D(), 0),
    ],
)
def test_layers_by_hand(layer, macs):
    assert multiply_adds.layer_macs(called(layer)) == macs


def test_a_cosine_classifier_by_hand():
    cosine = called(exit_heads.CosineClassifier(10), (64,))
    assert multiply_adds.layer_macs(cosine) == 640


@pytest.mark.parametrize(
    ("layer", "shape", "says"),
    [
        (layers.LSTM(4), (5, 6), "not known"),
        (layers.EinsumDense("bse,ef->bsf", (None, 3)), (5, 6), "not known"),
        (layers.Conv2D(4, 3), (None, None, 3), "not fixed"),
        (keras.Sequential([layers.Dense(2)]), None, "functional"),
    ],
)
def test_what_cannot_be_counted_is_never_silently_free(layer, shape, says):
    with pytest.raises(InputError, match=says):
        multiply_adds.layer_macs(called(layer, shape) if shape else layer)


def test_a_product_without_weights_is_never_silently_free():
    inputs = keras.Input((5, 6))
    outputs = keras.ops.matmul(inputs, keras.ops.transpose(inputs, (0, 2, 1)))
    with pytest.raises(InputError, match="not known"):
        multiply_adds.layer_macs(keras.Model(inputs, outputs))


def test_a_layer_that_is_used_twice_counts_on_each_size():
    shared = layers.Conv2D(6, 3, padding="same")
    inputs = keras.Input((8, 8, 6))
    halved = layers.MaxPooling2D()(shared(inputs))
    model = keras.Model(inputs, shared(halved))
    assert multiply_adds.layer_macs(model) == (64 + 16) * 54 * 6


def test_nested_models_are_counted():
    inner = keras.Sequential(
        [keras.Input((8, 8, 6)), layers.Conv2D(10, 3), layers.Flatten()]
    )
    inputs = keras.Input((8, 8, 6))
    model = keras.Model(inputs, layers.Dense(2)(inner(inputs)))
    assert multiply_adds.layer_macs(model) == 36 * 54 * 10 + 360 * 2


def test_a_nested_model_used_at_another_size_is_refused():
    inner_input = keras.Input((None, None, 6))
    inner = keras.Model(inner_input, layers.Conv2D(10, 3)(inner_input))
    inputs = keras.Input((8, 8, 6))
    with pytest.raises(InputError, match="size it is used at"):
        multiply_adds.layer_macs(keras.Model(inputs, inner(inputs)))


def three_exits():
    """Exits whose every cost can be told apart by its digits."""
    inputs = keras.Input((1, 1, 1))
    x = layers.Conv2D(1000, 1, use_bias=False)(inputs)
    outputs = {}
    for name, units in (("exit_1", 1), ("exit_2", 10)):
        tap = layers.Identity(name=f"{name}_tap")(x)
        features = layers.GlobalAveragePooling2D()(tap)
        outputs[name] = layers.Dense(units, name=name)(features)
        x = layers.Conv2D(1000, 1)(x)
    features = layers.GlobalAveragePooling2D()(x)
    outputs["exit_3"] = layers.Dense(100, name="exit_3")(features)
    return keras.Model(inputs, outputs)


def test_exit_costs_by_hand():
    costs = multiply_adds.exit_costs(three_exits())
    million = 1_000_000
    np.testing.assert_array_equal(
        costs.without_heads, [1000, million + 1000, 2 * million + 101_000]
    )
    np.testing.assert_array_equal(
        costs.with_heads, [2000, million + 12_000, 2 * million + 112_000]
    )
    assert costs.backbone == 2 * million + 101_000
    assert costs.with_heads[-1] == multiply_adds.layer_macs(three_exits())


def test_exits_are_ordered_by_number():
    inputs = keras.Input((1, 1, 1))
    x, outputs = inputs, {}
    for k in range(1, 12):
        x = layers.Conv2D(1, 1)(x)
        tap = layers.Identity(name=f"exit_{k}_tap")(x)
        outputs[f"exit_{k}"] = layers.Flatten(name=f"exit_{k}")(tap)
    costs = multiply_adds.exit_costs(keras.Model(inputs, outputs))
    np.testing.assert_array_equal(costs.with_heads, np.arange(1, 12))


def test_missing_names_are_told():
    inputs = keras.Input((4,))
    with pytest.raises(InputError, match="exit_1 to exit_K"):
        multiply_adds.exit_costs(keras.Model(inputs, layers.Dense(2)(inputs)))
    outputs = {f"exit_{k}": layers.Dense(2)(inputs) for k in (1, 2)}
    with pytest.raises(InputError, match="no layer exit_1_tap"):
        multiply_adds.exit_costs(keras.Model(inputs, outputs))


@pytest.fixture(scope="module")
def resnet32():
    return models.build((32, 32, 3), 10, backbone="resnet32")


def test_resnet32_backbone_has_its_published_cost(resnet32):
    costs = multiply_adds.exit_costs(resnet32)
    stem, block = 32 * 32 * 27 * 16, 32 * 32 * 144 * 16
    wider = block // 2  # twice the filters, a quarter of the positions
    assert stem + 10 * block + 2 * (wider + 9 * block) + 640 == RESNET32
    assert costs.backbone == RESNET32
    np.testing.assert_array_equal(
        costs.without_heads,
        [stem, stem + 10 * block, stem + wider + 19 * block, RESNET32],
    )


def test_a_static_view_costs_the_backbone(resnet32):
    costs = multiply_adds.exit_costs(models.static_view(resnet32))
    np.testing.assert_array_equal(costs.with_heads, [RESNET32])


def test_stages_together_cost_the_whole_model(resnet32):
    stages = map(multiply_adds.layer_macs, models.stages(resnet32))
    np.testing.assert_array_equal(
        np.cumsum([*stages]), multiply_adds.exit_costs(resnet32).with_heads
    )


def test_saving_may_be_negative():
    assert multiply_adds.saving(75.0, 100.0) == 0.25
    assert multiply_adds.saving(125.0, 100.0) == -0.25
