"""What exit rules compare, by hand, by loops and by SciPy."""

import itertools
import math

import numpy as np
import pytest
import tensorflow as tf
from scipy import stats

from elf_keras.exits import certainty, exit_rule
from elf_keras.exits.certainty import EXIT_RULES


@pytest.fixture(
    params=[np.asarray, tf.convert_to_tensor], ids=["numpy", "tensor"]
)
def array(request):
    return lambda values: request.param(np.array(values, "float32"))


def made(classes=5, seed=0):
    random = np.random.default_rng(seed)
    return random.normal(scale=2, size=(200, 3, classes)).astype("float32")


def shares(scores):
    powers = np.exp(scores.astype("float64"))
    return powers / powers.sum(-1, keepdims=True)


def test_entropy_and_margin_by_hand(array):
    # p = 1/2, 1/4, 1/4: H = 1.5 log 2, p_1 - p_2 = 1/4.
    scores = array([[math.log(2), 0, 0]])
    expected = 1 - 1.5 * math.log(2) / math.log(3)
    assert float(EXIT_RULES["entropy"](scores)[0]) == pytest.approx(expected)
    assert float(EXIT_RULES["margin"](scores)[0]) == pytest.approx(0.25)


@pytest.mark.parametrize("classes", [2, 5, 100])
def test_entropy_as_scipy_has_it(array, classes):
    scores = made(classes)
    expected = 1 - stats.entropy(shares(scores), axis=-1) / math.log(classes)
    found = certainty.of(array(scores), "entropy")
    np.testing.assert_allclose(found, expected, atol=2e-6)


@pytest.mark.parametrize("classes", [2, 5, 100])
def test_margin_is_the_lead_of_the_first_over_the_second(array, classes):
    scores = made(classes)
    ordered = np.sort(shares(scores), axis=-1)
    found = certainty.of(array(scores), "margin")
    np.testing.assert_allclose(
        found, ordered[..., -1] - ordered[..., -2], atol=2e-6
    )


@pytest.mark.parametrize("repetitions", [0, 1, 2, 3])
def test_patience_of_all_sequences_of_answers(array, repetitions):
    """s = P/(P+1) lets leave where P+1 exits in a row agree, nobody else."""
    answers = np.array(list(itertools.product(range(3), repeat=4)))
    found = certainty.of(array(np.eye(3)[answers]), "patience")
    s = repetitions / (repetitions + 1)
    leaves = np.asarray(exit_rule.above(found, s))
    for row, classes in enumerate(answers.tolist()):
        for k in range(4):
            last = classes[max(0, k - repetitions) : k + 1]
            agree = len(last) == repetitions + 1 and len(set(last)) == 1
            assert leaves[row, k] == agree


@pytest.mark.parametrize("rule", EXIT_RULES)
def test_no_rule_looks_ahead(rule):
    scores = made()
    whole = certainty.of(scores, rule)
    for exits in (1, 2):
        found = certainty.of(scores[:, :exits], rule)
        np.testing.assert_array_equal(found, whole[:, :exits])


def test_depth_confidence_by_hand(array):
    """Two exits that say (log 2, 0, 0): 2/(2+1+1), then 4/(4+1+1)."""
    scores = array([[[math.log(2), 0, 0], [math.log(2), 0, 0]]])
    found = certainty.of(scores, "depth_confidence")
    np.testing.assert_allclose(found, [[1 / 2, 2 / 3]], rtol=1e-6)
    # σ = 3: 2^3 = 8 of 10, 2^6 = 64 of 66.
    found = certainty.of(scores, "depth_confidence", scale=3.0)
    np.testing.assert_allclose(found, [[8 / 10, 64 / 66]], rtol=1e-6)


@pytest.mark.parametrize("scale", [1.0, 30.0])
def test_at_the_first_exit_depth_adds_nothing(array, scale):
    scores = made()
    found = certainty.of(array(scores), "depth_confidence", scale=scale)
    expected = exit_rule.confidence(array(np.float32(scale) * scores))
    np.testing.assert_allclose(found[:, 0], expected[:, 0], rtol=1e-6)


@pytest.mark.parametrize("rule", EXIT_RULES)
def test_all_but_confidence_see_what_the_loss_made_of_cosines(array, rule):
    cosines = np.tanh(made())
    scale = 1 if rule == certainty.CONFIDENCE else 30
    found = certainty.of(array(cosines), rule, scale=30.0)
    expected = EXIT_RULES[rule](array(scale * cosines))
    np.testing.assert_allclose(found, expected, rtol=1e-6)


@pytest.mark.parametrize("rule", EXIT_RULES)
@pytest.mark.parametrize("sure", [0.0, 1e-6, 1.0, 1000.0])
def test_a_threshold_fits_below_and_none_is_needed_above(array, rule, sure):
    scores = array([[[sure, 0.0, 0.0], [0.0, 0.0, sure]]])
    found = np.asarray(certainty.of(scores, rule))
    assert found.dtype == np.float32
    assert (found > 1e-8).all()
    assert (found <= 1).all()


@pytest.mark.parametrize("rule", EXIT_RULES)
@pytest.mark.parametrize("dtype", [tf.float16, tf.bfloat16])
def test_half_precision_is_computed_in_float32(rule, dtype):
    scores = tf.constant([[[0.0078125, 0.0, 0.0, 0.0]]], dtype)
    found = certainty.of(scores, rule, scale=3.0)
    assert found.dtype == tf.float32
    expected = certainty.of(tf.cast(scores, "float32"), rule, scale=3.0)
    np.testing.assert_array_equal(found, expected)


@pytest.mark.filterwarnings("ignore:invalid value:RuntimeWarning")
@pytest.mark.parametrize("rule", EXIT_RULES)
def test_scores_that_are_no_numbers_never_leave_early(array, rule):
    scores = array([[[np.nan, 0.0], [np.inf, 0.0]]])
    found = certainty.of(scores, rule)
    assert not np.asarray(exit_rule.above(found, 1e-6)).any()
