import itertools
import math

import by_hand
import numpy as np
import pytest

from elf_keras.choices import EXIT_LOSSES
from elf_keras.errors import InputError
from elf_keras.exits import certainty, thresholds
from elf_keras.exits.thresholds import ExitThresholds


@pytest.mark.parametrize("classes", [2, 3, 10, 1000])
def test_symmetric_maximum_is_the_softmax_on_a_simplex(classes):
    # Cosines of a feature on one corner of a regular simplex.
    others = [-1 / (classes - 1)] * (classes - 1)
    expected = by_hand.softmax([1.0, *others])[0]
    found = thresholds.symmetric_maximum(classes)
    assert found == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(("classes", "times"), [(10, 2.52), (1000, 2.71)])
def test_symmetric_maximum_in_units_of_one_class(classes, times):
    found = thresholds.symmetric_maximum(classes) * classes
    assert found == pytest.approx(times, abs=0.01)


def test_no_cosines_exceed_the_bound():
    bound = thresholds.largest_confidence("ldam", 3)
    assert bound == pytest.approx(1 / (1 + 2 * math.exp(-2)))
    grid = itertools.product([-1.0, -0.5, 0.0, 0.5, 1.0], repeat=3)
    largest = max(max(by_hand.softmax(list(cosines))) for cosines in grid)
    assert largest == pytest.approx(bound)


@pytest.mark.parametrize(
    ("exit_loss", "classes", "expected"),
    [
        ("ce", 10, 0.9),
        ("vs", 1000, 0.9),
        ("ldam", 10, 0.2),
        ("ldam", 1000, 0.002),
        # 2/C = 1 is out of reach: 0.8 e / (e + 1/e) = 0.8 * 0.8808.
        ("ldam", 2, 0.70464),
    ],
)
def test_defaults_of_the_papers(exit_loss, classes, expected):
    found = thresholds.default(exit_loss, classes)
    assert found == pytest.approx(expected, abs=1e-5)
    assert thresholds.parse("auto", exit_loss, classes) == found


@pytest.mark.parametrize("exit_loss", EXIT_LOSSES)
@pytest.mark.parametrize("classes", [2, 3, 4, 5, 10, 100, 8142])
def test_defaults_are_within_reach(exit_loss, classes):
    found = thresholds.default(exit_loss, classes)
    assert 1 / classes < found
    assert found < thresholds.largest_confidence(exit_loss, classes)


@pytest.mark.parametrize(
    ("text", "expected"),
    [("0.25", 0.25), ("1.5/C", 0.15), ("2/C", 0.2), ("1e-1", 0.1)],
)
def test_ways_to_write_a_threshold(text, expected):
    found = thresholds.parse(text, "ldam", 10)
    assert found == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(
    "text",
    ["", "high", "0", "1", "-0.5", "nan", "inf", "10/C", "2/", "2/D", "/C"],
)
def test_anything_else_is_refused_in_one_line(text):
    with pytest.raises(InputError, match=r"^[^\n]*1.5/C[^\n]*$") as caught:
        thresholds.parse(text, "ce", 10)
    assert repr(text) in str(caught.value)


def test_only_thresholds_beyond_the_bound_are_refused():
    # C = 10: p_max = 0.252, hard bound 1 / (1 + 9 e^-2) = 0.4509.
    assert thresholds.parse("0.45", "ldam", 10) == 0.45
    with pytest.raises(InputError, match=r"0\.4509.*0\.2"):
        thresholds.parse("0.46", "ldam", 10)
    assert thresholds.parse("0.46", "ce", 10) == 0.46


@pytest.mark.parametrize("exit_loss", EXIT_LOSSES)
@pytest.mark.parametrize("classes", [2, 10, 1000])
def test_defaults_of_other_exit_rules_by_hand(exit_loss, classes):
    rest = 0.1 / (classes - 1)
    information = -0.9 * math.log(0.9) - 0.1 * math.log(rest)
    for rule, expected in (
        ("entropy", 1 - information / math.log(classes)),
        ("margin", 0.9 - rest),
        ("patience", 0.5),
    ):
        found = thresholds.parse("auto", exit_loss, classes, rule=rule)
        assert found == pytest.approx(expected, rel=1e-9)
        # Raw cosines bound confidence alone.
        assert thresholds.parse("0.99", "ldam", 10, rule=rule) == 0.99


def test_who_leaves_by_default_under_other_rules():
    """By entropy all who are sure to 0.9, by margin nobody else."""
    random = np.random.default_rng(0)
    scores = random.normal(scale=4, size=(2000, 1, 5))
    leaves = {
        rule: certainty.of(scores, rule) > thresholds.default("ce", 5, rule)
        for rule in certainty.EXIT_RULES
    }
    assert (leaves["entropy"] | ~leaves["confidence"]).all()
    assert (leaves["confidence"] | ~leaves["margin"]).all()
    counts = [leaves[rule].sum() for rule in ("entropy", "confidence")]
    assert 2000 > counts[0] > counts[1] > leaves["margin"].sum() > 0


def test_the_papers_have_no_thresholds_of_other_rules():
    assert thresholds.papers_grid("ce", 10)
    assert thresholds.papers_grid("ce", 10, "entropy") == {}


def test_one_threshold_in_every_form():
    found = ExitThresholds.shared(0.9, 3)
    assert found.early.tolist() == found.to_json() == [0.9, 0.9]
    assert found.with_last.tolist() == [0.9, 0.9, np.inf]
    assert (found.number, found.told, found.text()) == (0.9, 0.9, "0.9")
    assert found.rows(2).dtype == np.float32
    np.testing.assert_allclose(found.rows(2), [[0.9, 0.9]] * 2)
    assert ExitThresholds.of_scores(found.told, 3).number == 0.9
    alone = ExitThresholds.shared(0.9, 1)
    assert (alone.to_json(), alone.text()) == ([], "0.9")


@pytest.mark.parametrize("none", [None, np.inf])
def test_thresholds_of_each_exit_in_every_form(none):
    found = ExitThresholds.of([0.5, none])
    assert found.to_json() == [0.5, None]
    assert found.number is None
    assert found.told.tolist() == [0.5, np.inf, np.inf]
    for told in (found.told, [0.5, None, None]):
        assert ExitThresholds.of_scores(told, 3).to_json() == [0.5, None]


@pytest.mark.parametrize(
    ("values", "text"),
    [
        ([0.25, 0.25], "0.25"),
        ([0.25, None], "0.25, never"),
        ([np.inf], "never"),
        ([0.99996], "0.99996"),
        ([0.9998], "0.9998"),
        ([np.float32(1 - 2**-24)], "0.9999999"),
        ([0.2501, 0.2502], "0.25"),
    ],
)
def test_thresholds_in_prose(values, text):
    assert ExitThresholds.of(values).prose() == text


def test_thresholds_as_text_of_a_table():
    found = ExitThresholds.of([0.25, None])
    assert found.text(never="–", digits=".3f") == "0.250 –"
    assert ExitThresholds.of([0.2501, 0.2502]).text() == "0.25 0.25"
    # All certainties are below 1 and above 0: neither is what these mean.
    near = ExitThresholds.of([0.9998, 0.0001, 1e-7])
    assert near.text() == "0.9998 0.0001 1e-07"
    assert near.text(digits=".3f") == "0.9998 0.0001 1e-07"
    assert ExitThresholds.of([None, None]).text() == "never"


@pytest.mark.parametrize("classes", [2, 3, 10, 1000])
@pytest.mark.parametrize("loss", ["ldam", "ce"])
def test_all_that_a_search_tries_is_within_reach(loss, classes):
    tried = thresholds.papers_search(loss, classes)
    found = [thresholds.parse(text, loss, classes) for text in tried]
    assert len({*found}) == 5
    assert found == sorted(found)
