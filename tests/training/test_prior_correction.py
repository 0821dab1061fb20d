"""τ by hand, by validation, and as a part of the exits' classifiers."""

from unittest import mock

import keras
import numpy as np
import pytest
import tiny

from elf_keras import models
from elf_keras.data import splits
from elf_keras.evaluation import prediction
from elf_keras.exits.answer_rule import AnswerRule
from elf_keras.models.exit_heads import CosineClassifier
from elf_keras.training import prior_correction
from elf_keras.training.prior_correction import Correction

IMAGE = (8, 8, 1)
KEY = prior_correction.KEY
SIGMA = 30.0
# Of labels 0, 1, 2 at exit 1: from τ = 0.5 / log 2 = 0.72 on the second image
# is right, up to 1 / log 2 = 1.44 the first one stays right. Exit 2 is right.
LOGITS = np.array(
    [
        [[1.0, 0.0, -9.0], [9.0, 0.0, 0.0]],
        [[1.0, 0.5, -9.0], [0.0, 9.0, 0.0]],
        [[-9.0, -9.0, 0.0], [0.0, 0.0, 9.0]],
    ]
)


def built(*, cosine=False):
    keras.utils.set_random_seed(0)
    heads = models.Heads(cosine=cosine)
    options = {"backbone": "resnet8", "exits": "2", "heads": heads}
    return models.build(IMAGE, 3, **options)


def images():
    random = np.random.default_rng(1)
    return random.integers(256, size=(6, *IMAGE)).astype("float32")


def logits(model):
    found = model(images(), training=False)
    return np.stack([found[name] for name in ("exit_1", "exit_2")], axis=1)


@pytest.mark.parametrize("cosine", [False, True])
def test_shifts_are_added_to_each_exits_logits(cosine):
    model = built(cosine=cosine)
    before = logits(model)
    shifts = np.array([[0.5, 0.0, -1.0], [2.0, 1.0, 0.25]])
    found = prior_correction.shifted(model, shifts)
    np.testing.assert_allclose(
        logits(found), before + shifts, rtol=1e-5, atol=1e-5
    )
    np.testing.assert_array_equal(logits(model), before)
    again = prior_correction.shifted(found, shifts)
    np.testing.assert_allclose(
        logits(again), before + 2 * shifts, rtol=1e-5, atol=1e-5
    )


@pytest.mark.slow
@pytest.mark.parametrize("cosine", [False, True])
def test_they_are_part_of_the_model_wherever_it_goes(cosine, tmp_path):
    shifts = np.array([[0.5, 0.0, -1.0], [2.0, 1.0, 0.25]])
    model = prior_correction.shifted(built(cosine=cosine), shifts)
    expected = logits(model)
    models.save(model, tmp_path / "model.keras")
    loaded = models.load(tmp_path / "model.keras")
    np.testing.assert_array_equal(logits(loaded), expected)
    np.testing.assert_array_equal(logits(models.in_float32(loaded)), expected)
    features = images()
    for number, stage in enumerate(models.stages(loaded)):
        found = stage(features)
        np.testing.assert_allclose(
            found[f"exit_{number + 1}"], expected[:, number], atol=1e-5
        )
        features = found.get("features")
    plain = built(cosine=cosine)
    assert models.tap_names(loaded) == models.tap_names(plain)
    trainable = [len(each.trainable_weights) for each in (loaded, plain)]
    assert trainable[0] == trainable[1]


def test_a_cosine_classifier_without_shift_is_what_it_was():
    assert "shifted" not in CosineClassifier(3).get_config()
    shifted = CosineClassifier(3, shifted=True)
    assert CosineClassifier.from_config(shifted.get_config()).shifted


@pytest.mark.parametrize(("scale", "cosine"), [(1.0, False), (SIGMA, True)])
def test_the_logits_of_a_given_tau_by_hand(scale, cosine):
    model = built(cosine=cosine)
    data = tiny.data(validation=False)
    scorer = tiny.scorer(rule=AnswerRule(scale))
    found, told = Correction((0.5, 2.0)).applied(model, data, scorer)
    # 9, 6 and 3 training images.
    log_priors = np.log([9 / 18, 6 / 18, 3 / 18])
    expected = logits(model) - np.outer([0.5, 2.0], log_priors / scale)
    np.testing.assert_allclose(logits(found), expected, rtol=1e-5, atol=1e-5)
    assert told == {
        "chosen_by": "flag",
        "exits": [{"exit": 1, "tau": 0.5}, {"exit": 2, "tau": 2.0}],
    }


def test_equal_taus_shift_every_classifier_alike():
    """A running sum of 1, 1.5 logits is corrected 1, 1.5 times."""
    rule = AnswerRule(answer="running", answer_decay=0.5)
    model = built()
    found, _ = Correction((0.8,)).applied(
        model, tiny.data(validation=False), tiny.scorer(rule=rule)
    )
    log_priors = np.log([9 / 18, 6 / 18, 3 / 18])
    np.testing.assert_allclose(
        logits(found), logits(model) - 0.8 * log_priors, atol=1e-5
    )


def of_counts(validation) -> splits.Splits:
    """Training images 4, 2, 1: from class to class log 2 fewer."""
    names = ("a", "b", "c")
    train = tiny.examples((4, 2, 1))
    return splits.Splits(train, validation, None, names, train.labels)


def chosen(correction, scale, *, order=(0, 1, 2), **rule):
    """What is recorded where validation gives `LOGITS`, in two parts."""
    order = list(order)
    images = np.zeros((3, *tiny.SHAPE), "uint8")
    labels = np.arange(3, dtype="int32")[order]
    data = of_counts(splits.Examples(images, labels, ("",) * 3))
    given = (LOGITS[order] / scale).astype("float32")
    parts = mock.Mock(return_value=[given[:2], given[2:]])
    scorer = tiny.scorer(rule=AnswerRule(scale, **rule))
    with mock.patch.object(prediction, "logit_parts", parts):
        return correction.applied(tiny.model(), data, scorer)[1]


@pytest.mark.parametrize("scale", [1.0, SIGMA])
@pytest.mark.parametrize("order", [(0, 1, 2), (2, 0, 1)])
def test_validation_chooses_the_smallest_of_the_best(scale, order):
    told = chosen(Correction(), scale, order=order)
    first, last = told["exits"]
    assert (first["tau"], last["tau"]) == (0.8, 0.0)
    assert first["validation_accuracy_before"] == pytest.approx(2 / 3)
    assert first["validation_accuracy"] == pytest.approx(1)
    assert last["validation_accuracy"] == pytest.approx(1)
    assert prior_correction.sentences({"train": {"last": {KEY: told}}}) == [
        "prior correction: exit 1 τ = 0.8 (66.7 → 100.0 %), exit 2 τ = 0 "
        "(100.0 → 100.0 %); chosen on validation, whose accuracy is in "
        "brackets; --prior_correction=0.8,0 repeats it"
    ]


def test_validation_chooses_one_tau_of_what_answers():
    """With d = 1 and exit 2 all but silent, R_2 is exit 1's logits.

    It is corrected as two logits: right from τ = 0.5 / (2 log 2) = 0.36 up to
    0.72, where exit 1 begins to be. So 0.4 is as good as 0.8, in the mean.
    """
    quiet = LOGITS * np.array([1.0, 1e-6])[:, None]
    with mock.patch.dict(globals(), LOGITS=quiet):
        told = chosen(Correction(), 1.0, answer="running", answer_decay=1.0)
    assert [row["tau"] for row in told["exits"]] == [0.4, 0.4]
    assert told["exits"][0]["validation_accuracy"] == pytest.approx(2 / 3)
    assert told["exits"][1]["validation_accuracy_before"] == pytest.approx(
        2 / 3
    )
    assert told["exits"][1]["validation_accuracy"] == pytest.approx(1)


def test_a_given_tau_tells_what_validation_makes_of_it():
    told = chosen(Correction((1.5,)), 1.0)
    assert [row["tau"] for row in told["exits"]] == [1.5, 1.5]
    # Too much: the first image is wrong now.
    assert told["exits"][0]["validation_accuracy"] == pytest.approx(2 / 3)
    (said,) = prior_correction.sentences({"train": {"last": {KEY: told}}})
    assert said.endswith("exit 2 τ = 1.5 (100.0 → 100.0 %)")


def test_without_a_correction_nothing_is_said():
    assert prior_correction.sentences({"train": {"last": {}}}) == []
