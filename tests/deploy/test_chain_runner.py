"""The edge runner against the model it came from, and against bad input."""

import json
import math
import types

import made_chain
import numpy as np
import pytest

from elf_keras.deploy import chain_runner
from elf_keras.deploy.chain_runner import ChainError, ChainRunner
from elf_keras.evaluation import prediction
from elf_keras.exits import exit_rule
from elf_keras.exits.thresholds import ExitThresholds
from elf_keras.models import multiply_adds

pytest.importorskip("ai_edge_litert")
NEVER = [None, None]


@pytest.mark.parametrize("closed", [None, 0, 1])
def test_answers_are_those_of_the_model(chain, runner, closed):
    """Nobody leaves where a policy closes an exit."""
    own = [None if k == closed else chain.threshold for k in (0, 1)]
    expected = prediction.predict_dynamic(
        chain.stages, chain.images, ExitThresholds.of(own)
    )
    assert set(expected.exit_taken) == {0, 1, 2} - {closed}
    assert len(set(expected.classes)) == 3
    for index, image in enumerate(chain.images):
        for policy in (own, None, "accurate") if closed is None else (own,):
            answer = runner.predict(image, policy=policy)
            assert answer.exit == expected.exit_taken[index] + 1
            assert answer.class_index == expected.classes[index]
            assert answer.class_name == made_chain.NAMES[answer.class_index]
            assert abs(answer.confidence - expected.certainty[index]) < 1e-5
            assert answer.in_time
            assert answer.milliseconds > 0


def test_probabilities_are_calibrated_and_macs_are_those_spent(chain, runner):
    costs = multiply_adds.exit_costs(made_chain.model()).with_heads
    for index, image in enumerate(chain.images[:20]):
        answer = runner.predict(image)
        taken = answer.exit - 1
        temperature = made_chain.TEMPERATURES[taken]
        scores = chain.scores[index, taken].tolist()
        powers = [math.exp(score / temperature) for score in scores]
        expected = [power / sum(powers) for power in powers]
        np.testing.assert_allclose(answer.probabilities, expected, atol=1e-5)
        assert answer.macs == costs[taken]


def test_confidence_is_the_very_formula_of_the_exit_rule():
    random = np.random.default_rng(0)
    scores = random.normal(0, 30, (50, 100)).astype("float32")
    classes, found = zip(*map(chain_runner.decide, scores), strict=True)
    np.testing.assert_array_equal(found, exit_rule.confidence(scores))
    np.testing.assert_array_equal(classes, scores.argmax(axis=1))


@pytest.mark.parametrize(
    "kind", ["uint8", "int64", ">f4", "float16", "float64"]
)
def test_every_type_of_pixels_gives_the_same_answer(chain, runner, kind):
    image = chain.images[0]
    expected = runner.predict(image).probabilities
    turned = image.astype(kind).transpose(1, 0, 2).copy().transpose(1, 0, 2)
    found = runner.predict(turned).probabilities
    np.testing.assert_array_equal(found, expected)


def test_integers_are_scaled_by_what_the_files_say(chain):
    runner = ChainRunner(chain.manifest, variant="int8")
    agree = 0
    for index, image in enumerate(chain.images):
        number, shares = made_chain.by_hand(chain, image, chain.threshold)
        answer = runner.predict(image)
        assert answer.exit == number
        assert answer.class_index == shares.argmax()
        assert abs(answer.confidence - shares.max()) < 1e-5
        assert answer.probabilities.dtype == np.float32
        agree += answer.class_index == chain.scores[index, number - 1].argmax()
    assert agree > 0.8 * len(chain.images)


def test_integers_of_another_scale_are_scaled_again(chain):
    file = chain.manifest.parent / "tflite/int8/stage_2.tflite"
    stage = chain_runner.Stage(file.read_bytes())
    scale, zero = stage.inputs["features"]["quantization"]
    given = np.arange(-128, 128).astype("int8")
    found = stage.encode((given, (2 * scale, 5))).tolist()
    numbers = [2 * (int(value) - 5) + zero for value in given]
    assert found == [max(-128, min(127, number)) for number in numbers]
    assert stage.encode((given, (scale * 1.000001, zero))) is given


def test_bytes_become_the_integers_that_arithmetic_gives(chain):
    """They are moved, or looked up, one of 256 each."""
    file = chain.manifest.parent / "tflite/int8/stage_1.tflite"
    stage = chain_runner.Stage(file.read_bytes())
    values = np.arange(256, dtype="uint8").reshape(4, 8, 8, 1)
    found = stage.encode(values)
    assert found.dtype == np.int8
    np.testing.assert_array_equal(found, stage.encode(values.astype("float32")))


class _Signature:
    """Of a file that takes an image and gives scores, in a kind of integers."""

    def __init__(self, dtype, scale, origin):
        self._told = {"dtype": np.dtype(dtype).type}
        self._told |= {"index": 0, "quantization": (scale, origin)}

    def get_input_details(self):
        return {"image": self._told}

    def get_output_details(self):
        return {"exit_1": self._told}


@pytest.mark.parametrize(
    ("dtype", "scale", "origin"),
    [
        ("int8", 1.0, -128),
        ("uint8", 1.0, 0),
        ("int8", 1.002, -128),
        ("int8", 0.9, -128),
        ("int8", 2.0, 3),
    ],
)
def test_integers_of_any_scale_hold_pixels_and_scores(dtype, scale, origin):
    """Pixels are moved or looked up, scores are looked up."""
    stage = chain_runner.Stage.__new__(chain_runner.Stage)
    stage._describe(_Signature(dtype, scale, origin))
    limits, pixels = np.iinfo(dtype), np.arange(256, dtype="uint8")
    expected = np.rint(pixels / scale) + origin
    found = stage.encode(pixels)
    assert found.dtype == dtype
    assert found.tolist() == expected.clip(limits.min, limits.max).tolist()
    stored = np.arange(limits.min, limits.max + 1).astype(dtype)
    numbers = stage.numbers(stored)
    assert numbers.dtype == np.float32
    exact = scale * (stored.astype("float64") - origin)
    np.testing.assert_allclose(numbers, exact, rtol=1e-6)


def test_counts_and_drift_keep_policies_apart(chain, runner):
    assert runner.counts == [0, 0, 0]
    assert runner.drift() is None
    for image in chain.images:
        runner.predict(image)
    left = list(runner.counts)
    assert sum(left) == len(chain.images)
    assert runner.drift() == pytest.approx(0)
    runner.policy = "macs_25"
    assert runner.drift() is None
    runner.predict(chain.images[0])
    runner.predict(chain.images[0], policy=NEVER)
    runner.predict(chain.images[0], policy="macs_25", deadline_ms=1e9)
    assert runner.counts == [left[0] + 2, left[1], left[2] + 1]
    assert (runner.drift(), runner.drift("accurate")) == (0, pytest.approx(0))
    runner.reset()
    assert runner.counts == [0, 0, 0]
    runner.predict(chain.images[0], policy="all_exits")
    assert runner.drift("all_exits") == 0
    assert runner.drift("accurate") is None


def test_drift_is_the_total_variation_distance(chain, runner):
    taken = [runner.predict(image).exit for image in chain.images[:7]]
    shares = [taken.count(number) / 7 for number in (1, 2, 3)]
    record = json.loads(chain.manifest.read_text())
    policy = record["variants"]["float32"]["policies"]["accurate"]
    pairs = zip(shares, policy["exit_shares"], strict=True)
    expected = sum(max(0.0, seen - share) for seen, share in pairs)
    assert runner.drift() == pytest.approx(expected)
    assert expected > 0


@pytest.fixture
def at(monkeypatch):
    """Tell the runner's clock: the call, then the end of each stage, in ms."""
    moments = []
    clock = types.SimpleNamespace(perf_counter=lambda: moments.pop(0) / 1000)
    monkeypatch.setattr(chain_runner, "time", clock)

    def tell(*milliseconds):
        moments[:] = [100, *(100 + value for value in milliseconds)]
        return moments

    return tell


# The manifest claims 1, 2 and 4 ms for the stages.
@pytest.mark.parametrize(
    ("deadline", "ends", "number", "in_time"),
    [
        (8, (1, 3, 7), 3, True),
        (6.9, (1, 3), 2, True),  # 3 + 4 does not fit
        (2.9, (1,), 1, True),
        (8, (1, 8.5), 1, True),  # stage 2 was late
        (8, (1, 3, 8.5), 2, True),
        (0.5, (1,), 1, False),
        (-1, (1,), 1, False),
        (math.inf, (1, 3, 70), 3, True),
    ],
)
def test_the_last_answer_in_time(
    chain, runner, at, deadline, ends, number, in_time
):
    left = at(*ends)
    answer = runner.predict(chain.images[0], deadline_ms=deadline)
    assert not left
    assert (answer.exit, answer.in_time) == (number, in_time)
    assert answer.milliseconds == pytest.approx(ends[-1])
    at(1, 3, 7)
    whole = runner.predict(chain.images[0], policy=NEVER)
    assert (answer.macs == whole.macs) == (len(ends) == 3)
    assert answer.class_index == chain.scores[0, number - 1].argmax()


def test_a_policy_and_a_deadline_both_hold(chain, runner, at):
    left = at(1)
    answer = runner.predict(chain.images[0], policy="macs_25", deadline_ms=100)
    assert (answer.exit, left) == (1, [])
    at(1, 3)
    answer = runner.predict(chain.images[0], policy="all_exits", deadline_ms=5)
    assert (answer.exit, answer.in_time) == (2, True)


def test_a_slow_moment_is_heeded_then_forgotten(chain, runner, at):
    image = chain.images[0]
    at(1, 51, 55)
    assert runner.predict(image, deadline_ms=100).exit == 3
    exits = []
    for _ in range(400):
        at(1, 3, 7)
        exits.append(runner.predict(image, deadline_ms=10).exit)
    assert exits[:10] == [1] * 10
    assert exits[-10:] == [3] * 10


@pytest.mark.parametrize(
    ("image", "says"),
    [
        (None, "NoneType"),
        ([[1]], "list"),
        (np.full(made_chain.SHAPE, "a"), "<U1"),
        (np.ones(made_chain.SHAPE, bool), "bool"),
        (np.ones(made_chain.SHAPE, complex), "complex"),
        (np.full(made_chain.SHAPE, None), "object"),
        (np.zeros((0, 8, 1)), "(0, 8, 1)"),
        (np.zeros((8, 8)), "(8, 8)"),
        (np.zeros((1, *made_chain.SHAPE)), "(1, 8, 8, 1)"),
        (np.full(made_chain.SHAPE, np.nan), "nan"),
        (np.full(made_chain.SHAPE, np.inf), "inf"),
        (np.full(made_chain.SHAPE, 255.5), "255.5"),
        (np.full(made_chain.SHAPE, -1), "-1"),
    ],
)
def test_what_is_no_image_is_refused(chain, runner, image, says):
    with pytest.raises(ChainError, match="expected") as refused:
        runner.predict(image)
    assert says in str(refused.value)
    assert runner.counts == [0, 0, 0]
    assert runner.predict(chain.images[0], policy="macs_25").exit == 1


@pytest.mark.parametrize(
    "policy",
    ["cheap", 0.5, [0.5], [0.5] * 3, [0, 0.5], [1.0, 0.5], [np.nan, 0.5]]
    + [["0.5", 0.5], {0.5: 1}, [[0.5], [0.5]], b"accurate", [[1], [1, 2]]]
    + [np.array(0.5), np.full((2, 1), 0.5)],
)
def test_unknown_policies_are_refused(chain, runner, policy):
    with pytest.raises(ChainError, match="expected"):
        runner.predict(chain.images[0], policy=policy)
    runner.policy = policy
    with pytest.raises(ChainError, match="expected"):
        runner.predict(chain.images[0])


@pytest.mark.parametrize("rule", [{}, {"policy": "all_exits"}])
def test_scores_that_are_no_numbers_are_no_answer(
    chain, runner, rule, monkeypatch
):
    nothing = np.full(3, np.nan, "float32")
    monkeypatch.setattr(chain_runner.Stage, "scores", lambda *_: nothing)
    for deadline in (None, 1e9, 0.0):
        with pytest.raises(ChainError, match="expected numbers"):
            runner.predict(chain.images[0], deadline_ms=deadline, **rule)
    assert runner.counts == [0, 0, 0]


@pytest.mark.parametrize("deadline", ["soon", math.nan, 1j, [1]])
def test_a_deadline_is_a_number(chain, runner, deadline):
    with pytest.raises(ChainError, match="deadline .* expected millisec"):
        runner.predict(chain.images[0], deadline_ms=deadline)
