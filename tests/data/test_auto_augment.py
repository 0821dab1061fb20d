"""Which operations AutoAugment and RandAugment draw, by hand."""

import numpy as np
import pytest
import tensorflow as tf

from elf_keras.data import auto_augment, operations

HALF = 0.999


def drawn(rule, *rows):
    """(operation, value) of each image, one list a layer."""
    layers = rule.drawn(tf.constant(rows, tf.float32))
    return [
        [
            (operations.OPERATIONS[place], pytest.approx(value, abs=1e-5))
            for place, value in zip(places.numpy(), values.numpy(), strict=True)
        ]
        for places, values in layers
    ]


def test_sub_policies_by_hand():
    """Number 1 is (rotate, 0.7, 2), (translate_x, 0.3, 9); 9 is the most."""
    which = 1.5 / 25
    rows = [
        (which, 0.69, 0.4, 0.29, 0.6),
        (which, 0.69, 0.6, 0.31, 0.6),
        (which, 0.71, 0.4, 0.29, 0.4),
    ]
    first, second = drawn(auto_augment.AutoAugment(), *rows)
    turn, shift = 30 * 2 / 9, 150 / 331
    assert first[:2] == [("rotate", -turn), ("rotate", turn)]
    assert second[0] == ("translate_x", shift)
    assert second[2] == ("translate_x", -shift)
    assert (first[2][0], second[1][0]) == ("identity", "identity")


@pytest.mark.parametrize(
    ("number", "first", "second"),
    [
        # Posterize keeps 8 - round(4 · 7 / 9) bits.
        (5, ("shear_y", 0.3 * 7 / 9), ("posterize", 5)),
        (13, ("brightness", 1 + 0.9 * 6 / 9), ("color", 1 + 0.9 * 8 / 9)),
        (14, ("solarize", 256 * 7 / 9), None),
        (19, ("brightness", 1 + 0.9 * 3 / 9), ("color", 1)),
        (24, ("translate_y", 150 / 331), ("autocontrast", 0)),
    ],
)
def test_magnitudes_by_hand(number, first, second):
    """Drawn with chance: all that have one are done."""
    row = ((number + 0.5) / 25, 0, HALF, 0, HALF)
    found = drawn(auto_augment.AutoAugment(), row)
    assert found[0] == [first]
    if second is None:  # Its chance is 0.
        assert found[1][0][0] == "identity"
    else:
        assert found[1] == [second]


def test_chances_are_those_of_the_paper():
    """What is done on average: sums over the table, by hand."""
    random = np.random.default_rng(0)
    numbers = tf.constant(random.random((40_000, 5)), tf.float32)
    done = [
        np.bincount(places, minlength=len(operations.OPERATIONS)) / 40_000
        for places, _ in auto_augment.AutoAugment().drawn(numbers)
    ]
    share = dict(zip(operations.OPERATIONS, sum(done), strict=True))
    expected = {
        # 0.9 + 0.6 + 0.5 + 0.3 + 0.2 + 0.2 + 0.6 + 0.6 + 0.8
        "equalize": 4.7,
        # 0.5 + 0.4 + 0.6 + 0.8 + 0.9 + 0.9 + 0.9
        "autocontrast": 5.0,
        # 0.7 + 0.4 + 0.9 + 0.7 + 0.7
        "translate_y": 3.4,
        "shear_x": 0.0,
        "invert": 0.2,
        "rotate": 0.7,
        "posterize": 0.3,
    }
    for name, total in expected.items():
        assert share[name] == pytest.approx(total / 25, abs=0.01), name


def test_randaugment_by_hand():
    """Place 3 of 14 is a rotation, 6 the bits; M = 5 is half of the most."""
    rule = auto_augment.RandAugment(layers=3, magnitude=5)
    rows = [
        (3.5 / 14, 0.2, 6.5 / 14, 0.2, 0, HALF),
        (4.5 / 14, 0.2, 7.5 / 14, 0.2, 13.5 / 14, HALF),
    ]
    first, second, third = drawn(rule, *rows)
    assert first == [("rotate", -15), ("solarize", 128)]
    assert second == [("posterize", 6), ("contrast", 0.55)]
    assert third == [("identity", 0), ("translate_y", 75 / 331)]


@pytest.mark.parametrize(
    ("magnitude", "expected"),
    [
        (0, {"solarize": 256, "posterize": 8, "rotate": 0, "color": 1}),
        (9, {"solarize": 25.6, "posterize": 4, "rotate": 27, "color": 1.81}),
        (10, {"solarize": 0, "posterize": 4, "rotate": 30, "color": 1.9}),
    ],
)
def test_the_ends_of_randaugments_scale(magnitude, expected):
    strength = magnitude / auto_augment.HIGHEST_MAGNITUDE
    found = {name: auto_augment.value(name, strength, 1) for name in expected}
    assert found == pytest.approx(expected)


def test_each_of_14_has_the_same_chance_in_each_layer():
    random = np.random.default_rng(0)
    rule = auto_augment.RandAugment()
    numbers = tf.constant(random.random((28_000, 4)), tf.float32)
    pairs = np.stack([places for places, _ in rule.drawn(numbers)])
    for places in pairs:
        _, counts = np.unique(places, return_counts=True)
        assert len(counts) == 14
        assert (abs(counts / 2_000 - 1) < 0.1).all()
    assert (pairs[0] == pairs[1]).mean() == pytest.approx(1 / 14, abs=0.01)


def test_images_are_changed_one_operation_after_the_other():
    """Solarized from 128 on, then half as far from its mean."""
    rule = auto_augment.RandAugment(layers=2, magnitude=5)
    numbers = tf.constant([[4.5 / 14, 0, 7.5 / 14, 0]])
    image = np.zeros((1, 2, 2, 3), np.uint8)
    image[0, 0], image[0, 1] = 255, 100
    # 255 becomes 0; the mean of 0 and 100 is 50; 50 ± 0.55 · 50.
    found = rule.changed(tf.constant(image), numbers).numpy()
    assert found[0, :, 0, 0].tolist() == [22, 77]


def test_numbers_just_below_one_are_within_the_table():
    row = [np.nextafter(np.float32(1), np.float32(0))] * 5
    first, second = drawn(auto_augment.AutoAugment(), row)
    assert first[0][0] == second[0][0] == "identity"
    ((name, _),), _ = drawn(auto_augment.RandAugment(), row[:4])
    assert name == "translate_y"
