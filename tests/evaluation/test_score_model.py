"""Every split of a model scored, and the rows of classes, against loops."""

import math

import numpy as np
import pytest
import tiny
from made_scores import (
    COUNTS,
    EXITS,
    LABELS,
    SCORES,
    THRESHOLD,
    answers,
    class_means,
    leaves,
)

from elf_keras.data import long_tail, splits
from elf_keras.evaluation import prediction, score_model
from elf_keras.evaluation.answers import of_parts
from elf_keras.evaluation.scorer import Scorer
from elf_keras.exits.thresholds import ExitThresholds
from elf_keras.models import multiply_adds

AT = ExitThresholds.shared(THRESHOLD, EXITS)


@pytest.mark.parametrize("validation", [False, True])
def test_score_model_scores_every_split_there_is(validation):
    data = tiny.data(validation=validation)
    model = tiny.compiled()
    costs = multiply_adds.exit_costs(model)
    made = Scorer(
        classes=tiny.CLASSES,
        shot_groups=long_tail.shot_groups(data.class_counts),
        costs=costs,
        thresholds=ExitThresholds.shared(0.5, 2),
    )
    records, found = score_model.score_model(model, data, made, model.objective)
    scored = {"validation", "test"} if validation else {"test"}
    assert set(found) == scored
    assert set(records) == scored | {"train"}
    assert set(records["train"]) == {"loss_by_exit"}
    scores = prediction.predict_scores(model, data.test)
    np.testing.assert_array_equal(found["test"].classes, scores.argmax(-1))
    expected = made.score(of_parts([scores], data.test.labels))
    assert records["test"]["dynamic"]["top1"] == expected["dynamic"]["top1"]


def made_splits(labels):
    images = np.zeros((len(labels), 1, 1, 1), "uint8")
    part = splits.Examples(images, labels, ("",) * len(labels))
    return splits.Splits(part, None, part, ("a", "b", "c", "d"), COUNTS)


def test_per_class_rows():
    rows = score_model.per_class_rows(
        made_splits(LABELS), of_parts([SCORES], LABELS), AT
    )
    taken = leaves(SCORES)
    static = class_means(SCORES[:, -1].argmax(-1) == LABELS)
    dynamic = class_means(np.array(answers(SCORES, taken)) == LABELS)
    exits = class_means([number + 1 for number in taken])
    for label, row in enumerate(rows):
        assert row == {
            "class": "abcd"[label],
            "training_images": COUNTS[label],
            "test_images": (40, 25, 9, 6)[label],
            "static_accuracy": pytest.approx(static[label], abs=5e-5),
            "dynamic_accuracy": pytest.approx(dynamic[label], abs=5e-5),
            "mean_exit": pytest.approx(exits[label], abs=5e-4),
        }


def test_per_class_rows_of_classes_without_test_images():
    keep = (LABELS == 0) | (LABELS == 2)
    rows = score_model.per_class_rows(
        made_splits(LABELS[keep]),
        of_parts([SCORES[keep]], LABELS[keep]),
        AT,
    )
    assert [row["test_images"] for row in rows] == [40, 0, 9, 0]
    for row in (rows[1], rows[3]):
        for key in ("static_accuracy", "dynamic_accuracy", "mean_exit"):
            assert math.isnan(row[key])
    assert not math.isnan(rows[2]["mean_exit"])
