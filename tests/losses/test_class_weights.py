import math

import numpy as np
import pytest

from elf_keras.errors import InputError
from elf_keras.losses import class_weights

CIFAR10 = [5000, 2997, 1796, 1077, 645, 387, 232, 139, 83, 50]
CIFAR100 = [int(500 * 0.01 ** (c / 99)) for c in range(100)]


@pytest.mark.parametrize("name", class_weights.CLASS_WEIGHTINGS)
def test_every_weighting_sums_to_the_classes_and_never_favours_heads(name):
    weights = class_weights.CLASS_WEIGHTINGS[name](np.array(CIFAR10))
    assert weights.dtype == np.float32
    assert weights.shape == (10,)
    assert weights.sum() == pytest.approx(10, rel=1e-6)
    assert (np.diff(weights) >= 0).all()


@pytest.mark.parametrize("name", class_weights.CLASS_WEIGHTINGS)
def test_equal_counts_weigh_one(name):
    weights = class_weights.CLASS_WEIGHTINGS[name]([7, 7, 7])
    np.testing.assert_allclose(weights, 1, rtol=1e-6)


@pytest.mark.parametrize(
    ("counts", "mean"), [(CIFAR10, 0.171), (CIFAR100, 0.203)]
)
def test_mean_effective_number_weight_of_a_natural_batch(counts, mean):
    weights = class_weights.effective_number(counts)
    found = np.average(weights, weights=counts)
    assert found == pytest.approx(mean, abs=0.0005)


@pytest.mark.parametrize(
    ("name", "counts", "options", "expected"),
    [
        # β = 1/2: 1 - β^n is 1/2 and 3/4, so weights are as 3 : 2.
        ("effective_number", [1, 2], {"beta": 0.5}, [1.2, 0.8]),
        ("effective_number", [1, 3], {"beta": 1 - 1e-15}, [1.5, 0.5]),
        ("effective_number", [5, 500], {"beta": 0.0}, [1, 1]),
        ("inverse", [1, 3], {}, [1.5, 0.5]),
        ("inverse_square_root", [1, 9], {}, [1.5, 0.5]),
    ],
)
def test_weights_by_hand(name, counts, options, expected):
    weights = class_weights.CLASS_WEIGHTINGS[name](counts, **options)
    np.testing.assert_allclose(weights, expected, rtol=1e-6)


@pytest.mark.parametrize("beta", [1.0, -0.1, math.nan])
def test_bad_beta_is_refused(beta):
    with pytest.raises(InputError, match="below 1"):
        class_weights.effective_number([1, 2], beta=beta)


@pytest.mark.parametrize(
    "function",
    [
        *class_weights.CLASS_WEIGHTINGS.values(),
        class_weights.ldam_margins,
        class_weights.log_priors,
    ],
)
def test_a_class_without_images_is_named(function):
    with pytest.raises(InputError, match=r"index 1, 3\)"):
        function([4, 0, 2, 0])


def test_only_the_first_of_many_empty_classes_are_named():
    with pytest.raises(InputError, match=r"0, 1, 2, 3, 4, \.\.\.\)"):
        class_weights.inverse(np.zeros(1000))


@pytest.mark.parametrize("counts", [[], [[1, 2]], [1, math.nan], {0: 5}, "ce"])
def test_what_is_no_list_of_counts_is_refused(counts):
    with pytest.raises(InputError, match="per class"):
        class_weights.inverse(counts)


def test_ldam_margins_of_cifar10():
    margins = class_weights.ldam_margins(CIFAR10)
    assert margins.dtype == np.float32
    assert margins[0] == pytest.approx(0.158, abs=0.0005)
    assert margins[-1] == pytest.approx(0.5)
    assert (np.diff(margins) > 0).all()


def test_ldam_margins_by_hand_and_with_the_printed_power():
    margins = class_weights.ldam_margins([16, 1], largest=1.0)
    np.testing.assert_allclose(margins, [0.5, 1.0], rtol=1e-6)
    printed = class_weights.ldam_margins(CIFAR10, power=-1.0)
    assert printed[0] == pytest.approx(0.005)


def test_margins_without_size_are_refused():
    with pytest.raises(InputError, match="positive"):
        class_weights.ldam_margins([1, 2], largest=0.0)


def test_log_priors_are_logarithms_of_shares():
    priors = class_weights.log_priors([1, 3])
    assert priors.dtype == np.float32
    np.testing.assert_allclose(np.exp(priors), [0.25, 0.75], rtol=1e-6)
