"""Scores of made predictions against loops over the images."""

import math
from statistics import fmean

import by_hand
import numpy as np
import pytest
from made_scores import (
    CLASSES,
    COUNTS,
    EXITS,
    HITS,
    LABELS,
    SCORES,
    TAKEN,
    THRESHOLD,
    class_means,
)

from elf_keras.data import long_tail
from elf_keras.evaluation.answers import of_parts
from elf_keras.evaluation.scorer import CURVE_POINTS, Scorer
from elf_keras.exits.answer_rule import AnswerRule
from elf_keras.exits.thresholds import ExitThresholds
from elf_keras.models import multiply_adds

MADE = of_parts([SCORES], LABELS)
WITH_HEADS = [40, 90, 160]
WITHOUT_HEADS = [30, 60, 100]


def scorer(**options):
    costs = multiply_adds.ExitCosts(
        np.array(WITH_HEADS), np.array(WITHOUT_HEADS), WITHOUT_HEADS[-1]
    )
    at = {"thresholds": ExitThresholds.shared(THRESHOLD, EXITS)} | options
    return Scorer(CLASSES, long_tail.shot_groups(COUNTS), costs, **at)


def in_deployment(values, shares=(1, 1, 1, 1)):
    means = class_means(values)
    total = sum(shares[label] for label in means)
    return sum(shares[label] * means[label] for label in means) / total


@pytest.fixture(scope="module")
def record():
    return scorer().score(MADE)


def mean_of_exits():
    shares = np.exp(SCORES) / np.exp(SCORES).sum(-1, keepdims=True)
    return shares.sum(1).argmax(-1)


@pytest.mark.parametrize(
    ("mode", "hits"),
    [
        ("static", SCORES[:, -1].argmax(-1) == LABELS),
        ("dynamic", HITS),
        ("mean_of_exits", mean_of_exits() == LABELS),
    ],
)
def test_accuracies(record, mode, hits):
    per_class, found = class_means(hits), record[mode]
    assert found["accuracy"] == pytest.approx(fmean(per_class.values()))
    assert found["top1"] == pytest.approx(fmean(hits))
    # 101 images are many, 20 are medium, 19 are few.
    assert found["many"] == pytest.approx((per_class[0] + per_class[1]) / 2)
    assert found["medium"] == pytest.approx(per_class[2])
    assert found["few"] == pytest.approx(per_class[3])
    assert found["accuracy"] != pytest.approx(found["top1"], abs=1e-3)
    assert record["images"] == 80


def test_a_backbone_without_heads_has_no_running_sum():
    rule = AnswerRule(answer="running", answer_decay=1.0)
    found = scorer(rule=rule).score(of_parts([SCORES], LABELS, rule))
    hits = SCORES[:, -1].argmax(-1) == LABELS
    summed = SCORES.sum(1).argmax(-1) == LABELS
    assert found["static"]["accuracy"] == pytest.approx(in_deployment(hits))
    assert found["static"]["macs"] == 100
    last = found["exits"][-1]["accuracy"]
    assert last == pytest.approx(in_deployment(summed))
    assert last != pytest.approx(in_deployment(hits))
    assert {key: found["dynamic"][key] for key in rule.told} == rule.told


def test_costs_are_those_of_the_exit_taken(record):
    assert len(set(TAKEN)) == EXITS
    with_heads = in_deployment([WITH_HEADS[number] for number in TAKEN])
    without = in_deployment([WITHOUT_HEADS[number] for number in TAKEN])
    found = record["dynamic"]
    assert record["static"]["macs"] == 100
    assert found["macs"] == pytest.approx(with_heads)
    assert found["saving_with_heads"] == pytest.approx(1 - with_heads / 100)
    assert found["saving_without_heads"] == pytest.approx(1 - without / 100)


def test_shares_and_accuracy_of_who_leaves(record):
    sizes = np.bincount(LABELS)
    for number in range(EXITS):
        there = [index for index, exit in enumerate(TAKEN) if exit == number]
        weight = sum(1 / sizes[LABELS[index]] for index in there)
        right = sum(HITS[index] / sizes[LABELS[index]] for index in there)
        found = record["dynamic"]
        assert found["exit_shares"][number] == pytest.approx(weight / CLASSES)
        assert found["accuracy_of_leavers"][number] == pytest.approx(
            right / weight
        )


def test_each_exit_is_scored_on_all_images(record):
    assert [row["exit"] for row in record["exits"]] == [1, 2, 3]
    for number, row in enumerate(record["exits"]):
        hits = SCORES[:, number].argmax(-1) == LABELS
        assert row["accuracy"] == pytest.approx(in_deployment(hits))
        assert row["macs"] == WITH_HEADS[number]
        assert row["macs_without_heads"] == WITHOUT_HEADS[number]


def calibration_error(scores, scale=1.0, bins=15):
    sizes = np.bincount(LABELS)
    gaps = [0.0] * bins
    for exit_scores, label in zip(scores, LABELS, strict=True):
        shares = by_hand.softmax([scale * float(z) for z in exit_scores])
        confidence = max(shares)
        hit = shares.index(confidence) == label
        which = min(math.ceil(confidence * bins) - 1, bins - 1)
        gaps[which] += (hit - confidence) / sizes[label] / CLASSES
    return sum(abs(gap) for gap in gaps)


@pytest.mark.parametrize("scale", [1.0, 3.0])
def test_calibration_looks_at_scaled_scores_and_nothing_else_does(
    record, scale
):
    rule = AnswerRule(scale)
    found = scorer(rule=rule).score(of_parts([SCORES], LABELS, rule))
    for number, row in enumerate(found["exits"]):
        expected = calibration_error(SCORES[:, number], scale)
        assert row["calibration_error"] == pytest.approx(expected, abs=1e-6)
    assert found["dynamic"]["macs"] == record["dynamic"]["macs"]


@pytest.mark.parametrize("prior", [None, COUNTS])
def test_every_point_of_the_curve_is_the_dynamic_score_there(prior):
    curve = scorer(prior=prior).score(MADE)["curve"]
    points = len(curve["exit_threshold"])
    assert 10 < points <= CURVE_POINTS + 2
    for point in range(0, points, 3):
        at = ExitThresholds.shared(curve["exit_threshold"][point], EXITS)
        there = scorer(prior=prior, thresholds=at).score(MADE)
        dynamic = there["dynamic"]
        assert curve["accuracy"][point] == pytest.approx(dynamic["accuracy"])
        assert curve["macs"][point] == pytest.approx(dynamic["macs"])
        np.testing.assert_allclose(
            curve["exit_shares"][point], dynamic["exit_shares"], atol=1e-12
        )


def test_the_ends_of_the_curve(record):
    curve = record["curve"]
    for end, macs in ((0, 40), (-1, 160)):
        expected = record["exits"][end]["accuracy"]
        assert curve["macs"][end] == pytest.approx(macs)
        assert curve["accuracy"][end] == pytest.approx(expected)
    assert (np.diff(curve["exit_threshold"]) > 0).all()
    assert (np.diff(curve["macs"]) > -1e-9).all()


def test_deployment_as_in_training(record):
    found = scorer(prior=COUNTS).score(MADE)
    dynamic = found["dynamic"]
    costs = [WITH_HEADS[number] for number in TAKEN]
    assert dynamic["accuracy"] == pytest.approx(in_deployment(HITS, COUNTS))
    assert dynamic["macs"] == pytest.approx(in_deployment(costs, COUNTS))
    assert dynamic["top1"] == record["dynamic"]["top1"]
    assert dynamic["few"] == record["dynamic"]["few"]
    assert dynamic["accuracy"] != record["dynamic"]["accuracy"]


def test_a_class_without_images_is_left_out():
    keep = LABELS != 3
    labels, scores = LABELS[keep], SCORES[keep]
    found = scorer().score(of_parts([scores], labels))["static"]
    hits = scores[:, -1].argmax(-1) == labels
    assert found["few"] is None
    assert found["accuracy"] == pytest.approx(
        fmean(class_means(hits, labels).values())
    )


def test_the_mean_of_exits_pays_for_every_head(record):
    found = record["mean_of_exits"]
    assert found["macs"] == 160
    assert found["saving_with_heads"] == pytest.approx(-0.6)
    assert found["saving_without_heads"] == pytest.approx(0)
