"""The parity check tells a rounding from a wrong artefact."""

import dataclasses

import numpy as np
import pytest

from elf_keras.deploy import parity
from elf_keras.errors import InputError
from elf_keras.exits import exit_rule
from elf_keras.exits.thresholds import ExitThresholds

IMAGES, EXITS, CLASSES = 60, 4, 10


def reference(seed=0):
    random = np.random.default_rng(seed)
    logits = random.normal(size=(IMAGES, EXITS, CLASSES)).astype("float32")
    images = np.zeros((IMAGES, 2, 2, 1), "uint8")
    return parity.Reference(images, logits, parity.spread(logits))


def test_every_exit_takes_its_share():
    shares = reference().shares
    np.testing.assert_allclose(shares, 0.25, atol=0.02)


def test_exits_by_a_loop():
    found = reference()
    for image, taken in zip(found.logits, found.exits, strict=True):
        sure = exit_rule.confidence(image)[:-1] > found.thresholds.early
        assert taken == ([*sure, True]).index(True)


@pytest.mark.parametrize(
    ("score", "error", "passed"),
    [
        (0.5, 0.0, True),
        (0.5, 5e-5, True),
        (0.5, 3e-4, False),
        (1000.0, 0.05, True),
    ],
)
def test_scores_may_differ_by_a_rounding_only(score, error, passed):
    """Large ones in relation to their size."""
    found = reference()
    found.logits[3, 1, 2] = score
    logits = found.logits.copy()
    logits[3, 1, 2] += error
    row = parity.compare(found, "made", logits=logits)
    assert row["passed"] is passed
    assert row["exits_moved"] is None


def test_an_exit_moved_outside_the_band_fails():
    found = reference()
    exits = found.exits.copy()
    confidence = exit_rule.confidence(found.logits)[:, :-1]
    far = np.abs(confidence - found.thresholds.early).min(-1) > 0.002
    image = int(np.flatnonzero(far)[0])
    exits[image] = (exits[image] + 1) % EXITS
    row = parity.compare(found, "made", exits=exits)
    assert row["exits_moved"] == row["outside_band"] == 1
    assert row["passed"] is False
    assert row["reason"] == "1 images take exits outside the band"
    quantized = parity.compare(found, "made", exits=exits, judged=False)
    assert quantized["passed"] is None


def test_an_exit_moved_within_the_band_passes():
    found = reference()
    limits = found.thresholds.early.copy()
    image = int(np.flatnonzero(found.exits == 0)[0])
    # This image's own confidence is the threshold, but for half the band.
    own = exit_rule.confidence(found.logits[image])[0]
    limits[0] = own - 0.5 * parity.BAND / CLASSES
    near = dataclasses.replace(found, thresholds=ExitThresholds.of(limits))
    exits = near.exits.copy()
    exits[image] = 1
    row = parity.compare(near, "made", exits=exits)
    assert (row["exits_moved"], row["outside_band"]) == (1, 0)
    assert row["passed"]


def test_exits_that_do_not_answer_are_left_out():
    found = reference()
    logits = np.ma.masked_all_like(found.logits)
    logits[:, -1] = found.logits[:, -1]
    assert parity.compare(found, "static", logits=logits)["score_error"] == 0
    logits[5, -1] += 1
    assert not parity.compare(found, "static", logits=logits)["passed"]


def test_an_answer_that_is_no_number_fails():
    found = reference()
    for logits in (found.logits.copy(), np.ma.array(found.logits)):
        logits[3] = np.nan
        row = parity.compare(found, "made", logits=logits)
        assert row["passed"] is False
        assert "scores differ by more than 0.0001" in row["reason"]


@pytest.mark.parametrize("sure", [0.0, 0.5, 0.9, 1.0])
def test_saturated_confidences_leave_the_other_exits_their_share(sure):
    found = reference()
    found.logits[: int(sure * IMAGES), 0, 0] = 200
    limits = parity.spread(found.logits)
    made = dataclasses.replace(found, thresholds=limits)
    assert ((limits.early > 0) & (limits.early < 1)).all()
    rest = (1 - made.shares[0]) / 3
    np.testing.assert_allclose(made.shares[1:], rest, atol=0.04)
    assert made.shares[0] >= min(sure, 0.25) - 1e-6


def test_a_model_without_numbers_is_refused():
    logits = np.full((4, 3, 2), np.nan, "float32")
    with pytest.raises(InputError, match="are not numbers"):
        parity.spread(logits)
