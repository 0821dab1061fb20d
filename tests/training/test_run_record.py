"""What a training leaves: both epochs scored, the best one saved."""

import json
import time

import numpy as np
import pytest
import tiny
from scored_run import saved_scores, scored

from elf_keras import runs
from elf_keras.evaluation import prediction
from elf_keras.training import run_record

FLAGS = "--epochs=4\n--seed=7\n"


@pytest.fixture(scope="module")
def earlier(tmp_path_factory):
    """The best epoch, 2 of 3, is not the last one."""
    folder = tmp_path_factory.mktemp("run")
    return folder, *scored(folder, tiny.data(), best_epoch=1)


def test_last_and_best_are_scored_each_with_its_weights(earlier):
    _, _, outcome, record, last = earlier
    data = tiny.data()
    assert set(record) == {"train", "validation", "test"}
    for part in record.values():
        assert set(part) == {"last", "best"}
        assert (part["last"]["epoch"], part["best"]["epoch"]) == (3, 2)
    assert outcome.checkpoints.loaded == 1
    best = prediction.predict_logits(tiny.model(seed=8), data.test)
    for scores, which in ((last, "last"), (best, "best")):
        hits = scores[:, -1].argmax(-1) == data.test.labels
        found = record["test"][which]["static"]["top1"]
        assert found == pytest.approx(hits.mean())
    assert not np.allclose(last, best)


def test_the_saved_model_and_the_table_are_the_best_epochs(earlier):
    folder, *_ = earlier
    data = tiny.data()
    best = prediction.predict_logits(tiny.model(seed=8), data.test)
    found = saved_scores(folder, data)
    np.testing.assert_allclose(found, best, atol=1e-6)
    rows = (folder / "per_class.csv").read_text().splitlines()
    assert rows[0].startswith("class,training_images,test_images,")
    for label, row in enumerate(rows[1:]):
        name, training_images, images, static = row.split(",")[:4]
        hits = best[data.test.labels == label, -1].argmax(-1) == label
        assert name == data.class_names[label]
        assert (int(training_images), int(images)) == ([13, 8, 4][label], 3)
        assert float(static) == pytest.approx(hits.mean(), abs=1e-4)


def test_the_last_epoch_as_the_best_is_scored_once(tmp_path):
    data = tiny.data()
    _, outcome, record, last = scored(tmp_path, data, best_epoch=2)
    assert outcome.checkpoints.loaded == 0
    np.testing.assert_allclose(saved_scores(tmp_path, data), last, atol=1e-6)
    for part in record.values():
        assert part["best"] == part["last"]


def test_where_the_last_stands_alone_no_other_epoch_is_loaded(tmp_path):
    """Though validation liked an earlier one better."""
    data = tiny.data()
    _, outcome, record, last = scored(
        tmp_path, data, best_epoch=1, last_alone=True
    )
    assert outcome.checkpoints.loaded == 0
    np.testing.assert_allclose(saved_scores(tmp_path, data), last, atol=1e-6)
    for part in record.values():
        assert part["best"] == part["last"]
        assert part["best"]["epoch"] == 3


def test_without_validation_there_is_only_the_last(tmp_path):
    data = tiny.data(validation=False)
    _, _, record, last = scored(tmp_path, data, best_epoch=None)
    assert set(record) == {"train", "test"}
    assert all(set(part) == {"last"} for part in record.values())
    np.testing.assert_allclose(saved_scores(tmp_path, data), last, atol=1e-6)


@pytest.mark.parametrize(
    ("scores", "epoch"),
    [
        ({"test": {"last": {"epoch": 3}, "best": {"epoch": 0}}}, 0),
        ({"test": {"last": {"epoch": 3}, "best": {"epoch": 3}}}, 3),
        ({"test": {"last": {"epoch": 3}}}, None),
        ({}, None),
    ],
)
def test_run_json_names_the_epoch_that_is_saved(earlier, scores, epoch):
    """Not the one that was best by the way: exits last may have changed it."""
    folder, training, outcome, *_ = earlier
    runs.write_text(folder / runs.FLAGS, FLAGS)
    run_record.write(
        training, outcome, folder, scores, deterministic=True, started=0.0
    )
    assert runs.read_json(folder / runs.RECORD)["best_epoch"] == epoch


@pytest.fixture(scope="module")
def written(earlier):
    folder, training, outcome, scores, _ = earlier
    runs.write_text(folder / runs.FLAGS, FLAGS)
    start = time.time() - 100
    run_record.write(
        training, outcome, folder, scores, deterministic=True, started=start
    )
    return folder, json.loads((folder / runs.RECORD).read_text())


def test_history_has_a_row_an_epoch(written):
    rows = (written[0] / "history.csv").read_text().splitlines()
    assert rows[0] == "epoch,loss,seconds,images_per_second"
    assert rows[1:] == ["1,2.0,1.5,10.0", "2,1.5,0.5,30.0", "3,1.0,0.5,31.0"]


def test_run_json_says_what_ran(written):
    record = written[1]
    assert record["flags"] == ["--epochs=4", "--seed=7"]
    assert (record["epochs"], record["best_epoch"]) == (3, 2)
    assert record["resumed_after_epoch"] == 1
    assert record["resumed_after_steps"] == 2
    assert record["rollback"] is None
    assert record["nondeterminism"] == ["resumed with cores 1, before 2"]
    assert record["problems"] == ["a problem"]
    assert record["warnings"] == ["a warning"]
    assert record["training_seconds"] == 2.5
    assert 100 < record["seconds_of_this_process"] < 1000
    assert record["images_per_second"] == 30.0
    assert record["seed"] == 7
    assert record["devices"]


def test_run_json_says_on_what(written):
    data = written[1]["data"]
    assert data["class_names"] == ["dark", "grey", "light"]
    assert data["class_counts"] == [13, 8, 4]
    assert data["class_counts_after_cut"] == [9, 6, 3]
    assert data["images"] == {"train": 18, "validation": 7, "test": 9}
    assert data["image_shape"] == [2, 2, 1]
    assert (data["notes"], data["skipped"]) == ([], [])


def test_run_json_says_where_each_exit_sits_and_what_it_costs(written):
    found = written[1]["model"]
    # Dense layers by hand: 4 x 5, then 5 x 3 at exit 1; 5 x 5 and 5 x 3.
    assert found["exits"] == [
        {"exit": 1, "tap": "hidden", "macs": 35, "macs_without_heads": 20},
        {"exit": 2, "tap": "deep", "macs": 75, "macs_without_heads": 60},
    ]
    assert found["parameters"] == (4 + 1) * 5 + (5 + 1) * 3 + 30 + 18
    assert found["trainable_parameters"] == found["parameters"]
