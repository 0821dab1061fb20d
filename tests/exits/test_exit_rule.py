import itertools
import math

import by_hand
import numpy as np
import pytest
import tensorflow as tf

from elf_keras.exits import exit_rule

# Three classes; the confidence of [s, 0, 0] is e^s / (e^s + 2).
SURE = [5.0, 0.0, 0.0]  # 148.4 / 150.4 = 0.987
FAIR = [2.0, 0.0, 0.0]  # 7.389 / 9.389 = 0.787
EVEN = [0.1, 0.0, 0.0]  # 1.105 / 3.105 = 0.356
WRONG = [0.0, 5.0, 0.0]


@pytest.fixture(
    params=[np.asarray, tf.convert_to_tensor], ids=["numpy", "tensor"]
)
def array(request):
    return lambda values: request.param(np.array(values))


def scores32(array, examples):
    return array(np.array(examples, "float32"))


def test_names_count_from_one():
    assert exit_rule.exit_names(3) == ("exit_1", "exit_2", "exit_3")


def test_confidence_by_hand(array):
    expected = [math.exp(5) / (math.exp(5) + 2), 1 / 3, 1.0]
    rows = [SURE, [7.0, 7.0, 7.0], [1000.0, 0.0, -1000.0]]
    found = exit_rule.confidence(scores32(array, rows))
    np.testing.assert_allclose(found, expected, rtol=1e-6)


def test_stack_exits_orders_by_number_beyond_nine(array):
    outputs = {
        name: scores32(array, [[number, 0.0]])
        for number, name in enumerate(sorted(exit_rule.exit_names(11)))
    }
    stacked = np.asarray(exit_rule.stack_exits(outputs))
    assert stacked.shape == (1, 11, 2)
    # Sorted as text: exit_1, exit_10, exit_11, exit_2, exit_3 …
    assert stacked[0, :, 0].tolist() == [0, 3, 4, 5, 6, 7, 8, 9, 10, 1, 2]


@pytest.mark.parametrize(
    ("exits", "taken"),
    [
        ([SURE, SURE, SURE], 0),
        ([FAIR, SURE, SURE], 1),
        ([FAIR, FAIR, SURE], 2),
        ([FAIR, FAIR, FAIR], 2),  # never satisfied: the last exit
        ([WRONG, SURE, SURE], 1),  # confident but wrong
        ([EVEN, WRONG, WRONG], 2),  # right but unsure, then wrong
        ([SURE, WRONG, WRONG], 0),  # what comes after does not matter
        ([[1e4, 0.0, 0.0]] * 3, 0),
    ],
)
def test_training_rule(array, exits, taken):
    scores = scores32(array, [exits])
    never = exit_rule.satisfied_with_label(scores, array([0]), math.inf)
    assert np.asarray(exit_rule.active_mask(never)).all()
    satisfied = exit_rule.satisfied_with_label(scores, array([0]), 0.9)
    assert int(exit_rule.exit_taken(satisfied)[0]) == taken
    mask = np.asarray(exit_rule.active_mask(satisfied))[0]
    assert mask.tolist() == [k <= taken for k in range(3)]


def test_inference_rule_does_not_know_the_label(array):
    scores = scores32(array, [[EVEN, WRONG, SURE]])
    satisfied = np.asarray(exit_rule.satisfied(scores, 0.9))
    assert satisfied.tolist() == [[False, True, True]]


# Equal scores of C classes have confidence 1/C, which float32 holds exactly
# for 2 and 4 and rounds up for 10.
@pytest.mark.parametrize("classes", [2, 4, 10])
@pytest.mark.parametrize(
    "threshold", [float, np.float64, lambda value: np.array([value])]
)
def test_a_tie_does_not_leave(array, classes, threshold):
    scores = scores32(array, np.zeros((1, 1, classes)))
    satisfied = exit_rule.satisfied(scores, threshold(1 / classes))
    assert not np.asarray(satisfied).any()


def test_thresholds_per_exit_and_per_example(array):
    scores = scores32(array, [[FAIR, FAIR], [SURE, EVEN]])
    per_exit = np.array([0.9, 0.3])
    found = np.asarray(exit_rule.satisfied(scores, per_exit))
    assert found.tolist() == [[False, True], [True, True]]
    per_example = np.array([[0.7, 0.9], [0.99, 0.3]])
    found = np.asarray(exit_rule.satisfied(scores, per_example))
    assert found.tolist() == [[True, False], [False, True]]


@pytest.mark.parametrize("exits", [1, 2, 3, 5])
def test_mask_and_exit_of_all_patterns(array, exits):
    patterns = list(itertools.product([False, True], repeat=exits))
    taken = np.asarray(exit_rule.exit_taken(array(patterns)))
    masks = np.asarray(exit_rule.active_mask(array(patterns)))
    for pattern, exit_found, mask in zip(patterns, taken, masks, strict=True):
        expected = [*pattern[:-1], True].index(True)
        assert exit_found == expected
        assert mask.tolist() == [k <= expected for k in range(exits)]


def test_against_a_loop(array):
    random = np.random.default_rng(0)
    scores = random.normal(scale=2, size=(300, 4, 5)).astype("float32")
    labels = random.integers(5, size=300)
    expected = [
        by_hand.exit_taken(example, label, 0.6)
        for example, label in zip(scores.tolist(), labels, strict=True)
    ]
    assert len(set(expected)) == 4
    satisfied = exit_rule.satisfied_with_label(
        array(scores), array(labels), 0.6
    )
    assert np.asarray(exit_rule.exit_taken(satisfied)).tolist() == expected


def test_no_gradient_passes_the_rule():
    scores = tf.Variable([[FAIR, SURE, SURE]])
    with tf.GradientTape() as tape:
        satisfied = exit_rule.satisfied_with_label(
            tf.convert_to_tensor(scores), tf.constant([0]), 0.9
        )
        total = tf.cast(exit_rule.active_mask(satisfied), "float32")
    assert tape.gradient(total, scores) is None


def test_one_vector_of_scores_stays_numpy():
    found = exit_rule.satisfied(np.array(SURE, "float32"), 0.9)
    assert isinstance(found, np.bool_ | np.ndarray)
    assert found
