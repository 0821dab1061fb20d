"""Stopping early for real answers what the exit rule says of all scores."""

import functools

import keras
import leaving
import numpy as np
import pytest
from scipy import special

from elf_keras import models
from elf_keras.evaluation import prediction
from elf_keras.exits import certainty, exit_rule
from elf_keras.exits.answer_rule import ANSWERS, PLAIN, AnswerRule
from elf_keras.exits.thresholds import ExitThresholds

CLASSES = 4


@pytest.fixture(scope="module")
def model():
    """Random weights, scores spread so that every exit is taken."""
    keras.utils.set_random_seed(2)
    heads = {"exits": "1,3", "heads": models.Heads("pooled")}
    built = models.build((8, 8, 1), CLASSES, backbone="resnet8", **heads)
    for layer in built.layers:
        if layer.name.startswith("exit") and len(layer.weights) == 2:
            layer.set_weights([4 * layer.weights[0], layer.weights[1]])
    return built


@pytest.fixture(scope="module")
def examples():
    random = np.random.default_rng(0)
    images = random.integers(256, size=(300, 8, 8, 1)).astype("uint8")
    images[::3] //= 4
    labels = random.integers(CLASSES, size=300).astype("int32")
    return prediction.splits.Examples(images, labels, ("",) * 300)


@pytest.fixture(scope="module")
def scores(model, examples):
    return prediction.predict_logits(model, examples)


def by_loop(scores, threshold):
    """(class, confidence, exit) of each image, one image at a time."""
    for image in scores.astype("float64"):
        for number, exit_scores in enumerate(image):
            powers = np.exp(exit_scores - exit_scores.max())
            confidence = powers.max() / powers.sum()
            if confidence > threshold or number == len(image) - 1:
                yield exit_scores.argmax(), confidence, number
                break


@pytest.mark.parametrize(
    ("side", "images"), [(32, 256), (90, 256), (224, 41), (1000, 2), (3000, 1)]
)
def test_large_images_are_computed_a_few_at_a_time(side, images):
    """At most 2^21 pixels at a time, and 256 images."""
    pixels = np.broadcast_to(np.uint8(0), (500, side, side, 3))
    examples = prediction.splits.Examples(pixels, np.zeros(500), ("",) * 500)
    assert prediction.batch_size(examples) == images


def test_scores_are_of_every_image_in_source_order(model, examples, scores):
    assert scores.shape == (300, 3, CLASSES)
    assert scores.dtype == np.float32
    for index in (0, 255, 256, 299):
        outputs = model(examples.images[index][None], training=False)
        for number, name in enumerate(exit_rule.exit_names(3)):
            np.testing.assert_allclose(
                outputs[name][0], scores[index, number], atol=1e-5
            )


@pytest.mark.parametrize("threshold", [0.3, 0.5, 0.9])
def test_select_is_the_exit_rule_image_by_image(scores, threshold):
    found = leaving.select(scores, threshold)
    classes, confidence, exits = zip(*by_loop(scores, threshold), strict=True)
    np.testing.assert_array_equal(found.classes, classes)
    np.testing.assert_array_equal(found.exit_taken, exits)
    np.testing.assert_allclose(found.certainty, confidence, rtol=1e-5)


def thresholds(reached):
    """Between certainties, so that no rounding decides who leaves."""
    reached = np.unique(reached[:, :-1])
    gaps = np.flatnonzero(np.diff(reached) > 1e-5)
    chosen = gaps[[len(gaps) // 5, len(gaps) // 2, -len(gaps) // 8]]
    return [0.01, *((reached[chosen] + reached[chosen + 1]) / 2), 0.9999999]


def by_stages(model, images, s, rule=PLAIN):
    at = ExitThresholds.shared(float(s), 3)
    return prediction.predict_dynamic(models.stages(model), images, at, rule)


@pytest.mark.slow
@pytest.mark.parametrize("rule", certainty.EXIT_RULES)
@pytest.mark.parametrize("answer", ANSWERS)
def test_stage_by_stage_equals_selecting_from_all_scores(
    model, examples, scores, rule, answer
):
    """Patience and sums remember earlier stages, also as images leave."""
    asked, taken = AnswerRule(2.0, rule, answer=answer), set()
    for s in thresholds(asked.certainty(asked.answered(scores))):
        expected = leaving.select(scores, s, asked)
        found = by_stages(model, examples.images, s, asked)
        np.testing.assert_array_equal(found.classes, expected.classes)
        np.testing.assert_array_equal(found.exit_taken, expected.exit_taken)
        np.testing.assert_allclose(
            found.certainty, expected.certainty, atol=1e-5
        )
        taken |= set(expected.exit_taken.tolist())
    assert taken == {0, 1, 2}


def watched(monkeypatch, model):
    """Stages that note how many images they are given."""
    calls = []

    def call(number, stage, features, training):
        assert training is False
        calls.append((number, len(features)))
        return stage(features, training=training)

    stages = [
        functools.partial(call, number, stage)
        for number, stage in enumerate(models.stages(model), start=1)
    ]
    monkeypatch.setattr(models, "stages", lambda model: stages)
    return calls


def test_who_has_left_is_not_computed_further(
    monkeypatch, model, examples, scores
):
    threshold = float(thresholds(exit_rule.confidence(scores))[2])
    exits = [number for _, _, number in by_loop(scores, threshold)]
    calls = watched(monkeypatch, model)
    by_stages(model, examples.images, threshold)
    second = sum(number > 0 for number in exits)
    third = sum(number > 1 for number in exits)
    assert 0 < third < second < 300
    assert calls == [(1, 300), (2, second), (3, third)]


def test_stages_after_the_last_leaver_do_not_run(monkeypatch, model, examples):
    calls = watched(monkeypatch, model)
    found = by_stages(model, examples.images[:5], 0.01)
    assert calls == [(1, 5)]
    assert found.exit_taken.tolist() == [0] * 5


def test_one_image_and_none_at_all(model, examples, scores):
    found = by_stages(model, examples.images[7:8], 0.9999999)
    assert found.classes.tolist() == [scores[7, -1].argmax()]
    assert found.exit_taken.tolist() == [2]
    nothing = by_stages(model, examples.images[:0], 0.9999999)
    assert nothing.classes.shape == (0,)


def test_a_bare_backbone_always_answers_at_its_only_exit(scores):
    found = leaving.select(scores[:, :1], 0.5)
    np.testing.assert_array_equal(found.exit_taken, 0)
    np.testing.assert_array_equal(found.classes, scores[:, 0].argmax(-1))


def test_a_confidence_equal_to_the_threshold_stays():
    """0.75 = e^ln 3 / (e^ln 3 + 1) is exact in float32 here, or off by one."""
    scores = np.array([[[0.0, 0.0], [1.0, 0.0]]], "float32")
    assert leaving.select(scores, 0.5).exit_taken.tolist() == [1]


@pytest.mark.parametrize("kind", [float, np.float32, np.float64])
def test_a_threshold_means_the_same_in_every_type(kind):
    """float32 holds 0.6 a little above float64's 0.6: one type decides."""
    exact = np.float32(0.6)
    odds = np.float32(special.logit(float(exact)))
    for value in [odds, *np.nextafter(odds, np.float32([-1, 2]))]:
        scores = np.array([[[value, 0.0], [0.0, 0.0]]], "float32")
        reached = exit_rule.confidence(scores)[0, 0]
        expected = 0 if reached > exact else 1
        found = leaving.select(scores, kind(0.6))
        assert found.exit_taken.tolist() == [expected]
