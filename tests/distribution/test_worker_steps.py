"""One device, replicas, workers and workers of several learn the same.

And what Keras lacks for it.
"""

import pathlib
import subprocess
import sys

import numpy as np
import pytest
import worker_processes
import worker_runs

pytestmark = pytest.mark.slow
SCRIPT = pathlib.Path(worker_runs.__file__)
KINDS = ("mirrored", "multi_worker", "workers_of_two")
WORKERS = 2

# Keras as it is shipped: a model, a loss and logs of its own.
SHIPPED = """
import tensorflow as tf
strategy = tf.distribute.MultiWorkerMirroredStrategy()
import keras

class Built(keras.Sequential):
    def _maybe_symbolic_build(self, iterator=None, data_batch=None):
        with self.distribute_strategy.scope():
            self.optimizer.build(self.trainable_variables)

data = tf.data.Dataset.from_tensors(([[1.0, 2.0]] * 4, [[1.0]] * 4)).repeat()
for kind in (keras.Sequential, Built):
    with strategy.scope():
        model = kind([keras.Input((2,)), keras.layers.Dense(1)])
        model.compile("sgd", "mse")
    try:
        model.fit(data, steps_per_epoch=2, verbose=0)
        print("works")
    except ValueError as error:
        print(" ".join(str(error).split()))
"""


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """What each process saw and learned, by kind and worker."""
    folder = tmp_path_factory.mktemp("runs")
    subprocess.run(
        [sys.executable, SCRIPT, "single", "mirrored", folder],
        check=True,
        env=worker_processes.environment(),
        timeout=480,
    )
    for kind in ("multi_worker", "workers_of_two"):
        processes = worker_processes.start(SCRIPT, kind, folder)
        for status, _, err in worker_processes.ended(processes):
            assert status == 0, err[-2000:]
    return {path.stem: dict(np.load(path)) for path in folder.glob("*.npz")}


def numbers(run, prefix):
    return {key: run[key] for key in run if key.startswith(prefix)}


def of_kind(runs, kind):
    return [run for name, run in runs.items() if name.startswith(kind)]


def test_the_case_is_telling(runs):
    single = runs["single_0"]
    assert worker_runs.EPOCHS * -(-worker_runs.EXAMPLES // 8) == 20
    assert 1e-6 < single["float64 closest"] < 1
    assert single["float32 closest"] > 1e-6
    assert 0.05 < single["float64 log exit_1_share"] < 0.95
    for dtype in ("float64", "float32"):
        ends = numbers(single, f"{dtype} weight")
        changes = [
            np.abs(ends[key] - single[key.replace("weight", "start")]).max()
            for key in ends
        ]
        assert max(changes) > 0.05


@pytest.mark.parametrize("kind", KINDS)
def test_weights_after_twenty_steps_in_float64(runs, kind):
    expected = numbers(runs["single_0"], "float64 weight")
    for run in of_kind(runs, kind):
        found = numbers(run, "float64 weight")
        assert found.keys() == expected.keys()
        for key in found:
            assert found[key].dtype == "float64"
            np.testing.assert_allclose(found[key], expected[key], rtol=1e-6)


@pytest.mark.parametrize("kind", KINDS)
def test_the_average_of_the_weights_after_twenty_steps(runs, kind):
    expected = numbers(runs["single_0"], "float64 average")
    weights = numbers(runs["single_0"], "float64 weight")
    assert len(expected) == len(weights)
    for run in of_kind(runs, kind):
        found = numbers(run, "float64 average")
        assert found.keys() == expected.keys()
        for key in found:
            np.testing.assert_allclose(found[key], expected[key], rtol=1e-6)
            raw = weights[key.replace("average", "weight")]
            assert np.abs(found[key] - raw).max() > 1e-6


@pytest.mark.parametrize("kind", KINDS)
def test_logs(runs, kind):
    expected = numbers(runs["single_0"], "float64 log")
    for run in of_kind(runs, kind):
        found = numbers(run, "float64 log")
        found = {k: v for k, v in found.items() if "per_second" not in k}
        assert len(found) > 8
        for key in found:
            assert found[key] == pytest.approx(expected[key], rel=1e-6)


@pytest.mark.parametrize("kind", KINDS)
def test_gradients_of_one_step_in_float32(runs, kind):
    """At rate 1, without momentum yet, the change is the gradient."""
    expected = numbers(runs["single_0"], "float32 weight")
    for run in of_kind(runs, kind):
        for key, value in numbers(run, "float32 weight").items():
            start = runs["single_0"][key.replace("weight", "start")]
            np.testing.assert_array_equal(
                run[key.replace("weight", "start")], start
            )
            np.testing.assert_allclose(
                value - start, expected[key] - start, rtol=1e-5, atol=1e-5
            )


def steps(runs, kind, rule, what):
    """What all replicas of all workers saw, joined, step by step."""
    found = []
    for step in range(10):
        prefix = f"{rule} {what} {step} "
        parts = [
            runs[name][key]
            for name in sorted(runs)
            if kind in name
            for key in sorted(numbers(runs[name], prefix))
        ]
        found.append(np.concatenate(parts))
    return found


@pytest.mark.parametrize("kind", KINDS)
def test_each_example_once_an_epoch_by_its_number(runs, kind):
    labels = steps(runs, kind, "plain", "labels")
    assert [len(step) for step in labels] == 2 * [8, 8, 8, 8, 3]
    for epoch in (labels[:5], labels[5:]):
        assert sorted(np.concatenate(epoch)) == list(range(35))
    both = of_kind(runs, "multi_worker")
    first, second = (set(run["plain labels 0 0"]) for run in both)
    assert not first & second
    assert any(not len(run["plain labels 4 0"]) for run in both)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("rule", ["plain", "mixed"])
@pytest.mark.parametrize("what", ["images", "labels"])
def test_steps_augmentation_and_mixing_are_the_same(runs, kind, rule, what):
    expected = steps(runs, "single", rule, what)
    found = steps(runs, kind, rule, what)
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_array_equal(one, other)


def test_keras_still_needs_the_stand_in(tmp_path):
    """If this fails, Keras works as shipped: drop what stands in for it."""
    processes = worker_processes.start("-c", SHIPPED)
    for status, out, err in worker_processes.ended(processes):
        assert status == 0, err[-2000:]
        as_shipped, built = out.splitlines()
        # `MultiExitModel._maybe_symbolic_build`.
        assert "unsupported type" in as_shipped
        assert "PerReplica" in as_shipped
        # `worker_steps.train_function`.
        assert "Invalid reduction dimension 0" in built
