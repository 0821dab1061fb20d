"""Whether the weights before the first epoch are what a run saves."""

from unittest import mock

import numpy as np
import pytest
import tiny
from scored_run import Best, saved_scores, scored

from elf_keras.evaluation import prediction


def right():
    """Weights that classify by brightness, as the made images want it."""
    model = tiny.model()
    # Mean brightness is near 0.1, 0.45 and 0.8: the middle one wins between.
    pixels, one = np.zeros((4, 5), "float32"), np.zeros((5, 5), "float32")
    pixels[:, 0], one[0, 0] = 0.25, 1.0
    classes = np.zeros((5, 3), "float32")
    classes[0] = [0.0, 100.0, 200.0]
    bias = np.array([0.0, -28.0, -90.0], "float32")
    for name, kernel in (("hidden", pixels), ("deep", one)):
        model.get_layer(name).set_weights([kernel, np.zeros(5)])
    for name in ("exit_1", "exit_2"):
        model.get_layer(name).set_weights([classes, bias])
    return model.get_weights()


@pytest.mark.slow
def test_where_no_epoch_is_better_the_start_stays(tmp_path):
    data = tiny.data()
    _, _, record, _ = scored(tmp_path, data, best_epoch=1, first=right())
    for part in record.values():
        assert set(part) == {"last", "best", "first"}
        assert part["best"] == part["first"]
        assert part["best"]["epoch"] == 0
    assert record["test"]["best"]["static"]["top1"] == 1.0
    hits = saved_scores(tmp_path, data)[:, -1].argmax(-1) == data.test.labels
    assert hits.all()


def test_an_epoch_that_is_better_replaces_the_start(tmp_path):
    data, best = tiny.data(), tiny.model()
    best.set_weights(right())
    wrong = tiny.model(seed=3).get_weights()
    # Every image is taken for the first class.
    wrong[-1][:] = [100.0, 0.0, 0.0]
    with mock.patch.object(
        Best, "load_best", lambda _, model: set_(model, best)
    ):
        _, _, record, _ = scored(tmp_path, data, best_epoch=1, first=wrong)
    assert record["test"]["best"]["epoch"] == 2
    assert record["test"]["first"]["static"]["top1"] == 1 / 3
    found = prediction.predict_logits(best, data.test)
    np.testing.assert_allclose(saved_scores(tmp_path, data), found, atol=1e-6)


def test_where_what_ended_is_worse_the_best_epoch_is_tried(tmp_path):
    """The last epoch's weights had exits that were trained once more."""
    data, best = tiny.data(), tiny.model()
    best.set_weights(right())
    almost = right()
    # Of the grey images some are taken for light ones.
    almost[-1][2] += 25
    with mock.patch.object(
        Best, "load_best", lambda _, model: set_(model, best) or 1
    ):
        _, _, record, last = scored(
            tmp_path, data, best_epoch=1, first=almost, last_alone=True
        )
    assert (last[:, -1].argmax(-1) == data.test.labels).mean() < 0.7
    assert record["test"]["best"]["epoch"] == 2
    assert record["test"]["best"]["static"]["top1"] == 1.0
    found = prediction.predict_logits(best, data.test)
    np.testing.assert_allclose(saved_scores(tmp_path, data), found, atol=1e-6)


def set_(model, other):
    model.set_weights(other.get_weights())
