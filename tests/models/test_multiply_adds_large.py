"""Multiply-adds of large backbones: as published, and as TensorFlow counts."""

import functools

import pytest
import tensorflow as tf

from elf_keras import models
from elf_keras.models import multiply_adds

slow = pytest.mark.slow
# In TensorFlow's names, the products that our count is made of.
PRODUCTS = {"Conv2D", "DepthwiseConv2dNative", "MatMul"}


@functools.cache
def build(name, side=224, classes=1000):
    return models.build((side, side, 3), classes, backbone=name)


def counted_by_tensorflow(model):
    """Twice the multiply-adds of one image, from the traced graph."""
    shape = (1, *model.inputs[0].shape[1:])
    function = tf.function(lambda images: model(images, training=False))
    graph = function.get_concrete_function(tf.TensorSpec(shape)).graph
    options = tf.compat.v1.profiler.ProfileOptionBuilder.float_operation()
    options["output"] = "none"
    waiting, total = [], 0
    waiting.append(
        tf.compat.v1.profiler.profile(graph, cmd="op", options=options)
    )
    while waiting:
        found = waiting.pop()
        total += found.float_ops if found.name in PRODUCTS else 0
        waiting.extend(found.children)
    return total


@pytest.mark.parametrize(
    ("name", "billions", "head_share"),
    [
        ("resnet50", 4.09, 0.051),
        pytest.param("densenet169", 3.36, 0.055, marks=slow),
        pytest.param("keras:ResNet50", 3.86, 0.057, marks=slow),
    ],
)
def test_published_totals_and_the_heads_share(name, billions, head_share):
    costs = multiply_adds.exit_costs(build(name))
    assert costs.backbone / 1e9 == pytest.approx(billions, abs=0.005)
    share = costs.with_heads[-1] / costs.backbone - 1
    assert share == pytest.approx(head_share, abs=5e-4)
    assert share < 0.1


def test_the_first_head_of_resnet50_by_hand():
    costs = multiply_adds.exit_costs(build("resnet50"))
    # Two depthwise-separable layers of 64 filters, each halving the side.
    layer = 9 * 64 + 64 * 64
    head = 28 * 28 * layer + 14 * 14 * layer + 64 * 1000
    assert costs.with_heads[0] - costs.without_heads[0] == head
    assert costs.without_heads[0] == 112 * 112 * 7 * 7 * 3 * 64


@pytest.mark.parametrize(
    ("name", "side"),
    [
        pytest.param("keras:MobileNetV3Small", 64, marks=slow),
        pytest.param("resnet50", 224, marks=slow),
        pytest.param("densenet169", 224, marks=slow),
        pytest.param("keras:EfficientNetV2B0", 64, marks=slow),
        pytest.param("keras:ResNet50V2", 64, marks=slow),
        pytest.param("keras:Xception", 75, marks=slow),
    ],
)
def test_tensorflow_counts_the_same(name, side):
    model = build(name, side, 10)
    assert counted_by_tensorflow(model) == 2 * multiply_adds.layer_macs(model)


@slow
def test_tensorflow_overlooks_the_grouped_convolutions_of_convnext():
    model = build("keras:ConvNeXtTiny", 64, 10)
    # 7 x 7 on each channel; Keras compiles them apart, out of sight.
    blocks = ((16, 96, 3), (8, 192, 3), (4, 384, 9), (2, 768, 3))
    hidden = sum(49 * side**2 * width * n for side, width, n in blocks)
    missing = 2 * multiply_adds.layer_macs(model) - counted_by_tensorflow(model)
    assert missing == 2 * hidden
