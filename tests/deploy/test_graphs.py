"""Early leaving in a graph: who is sure leaves, the rest goes on alone."""

import exported
import numpy as np
import pytest
import tensorflow as tf

from elf_keras import models
from elf_keras.deploy import graphs


class Counted:
    """A stage that notes how many images it is given each time."""

    def __init__(self, stage):
        self._stage = stage
        self.output = stage.output
        self.batches = []

    def __call__(self, features, training):
        assert training is False
        self.batches.append(len(features))
        return self._stage(features, training=training)


def leave(stages, images, limits):
    """Without a surrounding graph, so that counting sees every run."""
    scores, taken = graphs.leave_early(
        stages, tf.constant(images), tf.constant(limits, tf.float32)
    )
    return scores.numpy(), taken.numpy()


@pytest.fixture(scope="module")
def stages():
    return models.stages(exported.model())


@pytest.mark.parametrize("batch", [1, 3, 32])
def test_answers_are_those_of_the_exit_rule(stages, batch):
    limits = exported.rows(exported.thresholds(), batch)
    scores, taken = leave(stages, exported.images()[:batch], limits)
    expected = list(exported.by_loop(exported.scores()[:batch], limits))
    assert taken.tolist() == [number for _, _, number in expected]
    own = exported.scores()[np.arange(batch), taken - 1]
    np.testing.assert_allclose(scores, own, atol=1e-4)


def test_survivors_alone_go_on(stages):
    counted = [Counted(stage) for stage in stages]
    limits = exported.rows(exported.thresholds(), 32)
    _, taken = leave(counted, exported.images(), limits)
    second, third = (taken > 1).sum(), (taken > 2).sum()
    assert 32 > second > third > 0
    assert [stage.batches for stage in counted] == [[32], [second], [third]]


@pytest.mark.parametrize(
    ("limits", "batches"),
    [
        ([0.01, 0.01], [[32], [], []]),
        ([0.999999, 0.01], [[32], [32], []]),
        ([0.999999, 0.999999], [[32], [32], [32]]),
    ],
)
def test_no_stage_runs_after_the_last_survivor_left(stages, limits, batches):
    counted = [Counted(stage) for stage in stages]
    leave(counted, exported.images(), exported.rows(limits, 32))
    assert [stage.batches for stage in counted] == batches


def test_each_image_has_its_own_thresholds(stages):
    random = np.random.default_rng(1)
    limits = random.uniform(0.3, 1, size=(32, 2)).astype("float32")
    _, taken = leave(stages, exported.images(), limits)
    expected = list(exported.by_loop(exported.scores(), limits))
    assert taken.tolist() == [number for _, _, number in expected]
    assert set(taken) == {1, 2, 3}


def test_a_confidence_equal_to_the_threshold_stays():
    """The softmax of two classes with equal scores is exactly one half."""

    class Even:
        output = {"exit_1": tf.zeros((1, 2)), "features": tf.zeros((1, 2))}

        def __call__(self, features, training):
            return {"exit_1": features, "features": features}

    class Last:
        output = {"exit_2": tf.zeros((1, 2))}

        def __call__(self, features, training):
            return {"exit_2": features}

    images = np.zeros((2, 2), "float32")
    _, taken = leave([Even(), Last()], images, [[0.5], [0.49999]])
    assert taken.tolist() == [2, 1]


def test_a_model_without_early_exits_answers_at_its_only_one():
    model = exported.built(exits="none")
    found = leave(models.stages(model), exported.images()[:3], np.zeros((3, 0)))
    assert found[1].tolist() == [1, 1, 1]
    expected = model(exported.images()[:3], training=False)["exit_1"]
    np.testing.assert_allclose(found[0], expected, atol=1e-5)
