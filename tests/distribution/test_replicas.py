"""N replicas and one give the same gradient on the same global batch."""

import subprocess
import sys
from unittest import mock

import keras
import numpy as np
import pytest
import replica_runs
import tensorflow as tf
import worker_processes

from elf_keras.distribution.replicas import (
    gradients_of_examples,
    local_values,
    overflow_together,
    set_local_values,
    sum_over_replicas,
)

# Two of them are compared with workers, see `test_worker_steps`.
REPLICAS = 3


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    return made(tmp_path_factory.mktemp("replicas"), str(REPLICAS))


def made(folder, *words):
    path = folder / "runs.npz"
    subprocess.run(
        [sys.executable, replica_runs.__file__, path, *words],
        check=True,
        env=worker_processes.environment(),
    )
    return dict(np.load(path))


def part(runs, kind, replicas, size):
    prefix = f"{kind} {replicas} {size} "
    return {
        key.removeprefix(prefix): value
        for key, value in runs.items()
        if key.startswith(prefix)
    }


@pytest.mark.slow
@pytest.mark.parametrize("kind", replica_runs.KINDS)
@pytest.mark.parametrize("size", replica_runs.SIZES)
def test_gradients_and_logs_do_not_depend_on_replicas(runs, kind, size):
    assert_same(part(runs, kind, 1, size), part(runs, kind, REPLICAS, size))


@pytest.mark.slow
def test_what_left_the_batch_leaves_it_on_two_replicas_too(tmp_path):
    """Workers never remove: here are two, with even and uneven batches."""
    found = made(tmp_path, "2", "removed")
    for size in replica_runs.SIZES:
        one = part(found, "removed", 1, size)
        assert_same(one, part(found, "removed", 2, size))
        changes = [np.abs(one[key]).max() for key in one if "weight" in key]
        assert max(changes) > 0.1


def assert_same(one, many):
    assert one
    assert set(one) == set(many)
    for key in one:
        np.testing.assert_allclose(
            many[key], one[key], atol=1e-5, rtol=1e-5, err_msg=key
        )


@pytest.mark.slow
@pytest.mark.parametrize("kind", replica_runs.KINDS)
def test_the_cases_are_telling(runs, kind):
    one = part(runs, kind, 1, replica_runs.FULL)
    if kind != "bilateral":
        confidence = runs[f"{kind} 1 confidence"][:, 0]
        distance = np.abs(confidence - replica_runs.THRESHOLD)
        assert distance.min() > 1e-5
        assert 0 < one["exit_1_share"] < 1
    changes = [value for key, value in one.items() if "weight" in key]
    assert max(np.abs(change).max() for change in changes) > 0.1


@pytest.mark.slow
def test_a_stage_that_nobody_comes_to_changes_nothing(runs):
    """A single image leaves: the second stage is empty on every replica."""
    one = part(runs, "removed", REPLICAS, 1)
    # Those of the full batch before it, at rate 0, count too.
    assert one["exit_1_share"] == pytest.approx(3 / 7)
    assert part(runs, "removed", REPLICAS, 6)["exit_1_share"] < 0.5
    assert all(np.isfinite(value).all() for value in one.values())


@pytest.mark.slow
def test_class_shares_of_an_epoch_of_pairs(runs):
    """Counts 600, 200, 100 as they are, and by 1/600 : 1/200 : 1/100."""
    for number in (1, REPLICAS):
        natural, reverse = runs[f"labels {number}"]
        assert natural.tolist() == [600, 200, 100]
        np.testing.assert_allclose(reverse, [90, 270, 540], atol=1)


@pytest.mark.slow
def test_the_first_batch_may_be_uneven(runs):
    assert str(runs["uneven"]) == ""


def test_without_a_strategy_nothing_is_added():
    values = tf.constant([1.0, 2.0])
    np.testing.assert_array_equal(sum_over_replicas(values), values)


@pytest.mark.parametrize(("images", "expected"), [(0, 0.0), (1, np.nan)])
def test_a_replica_without_examples_has_gradients_of_zero(images, expected):
    context = mock.Mock(num_replicas_in_sync=2)
    with mock.patch.object(tf.distribute, "get_replica_context") as current:
        current.return_value = context
        (found,) = gradients_of_examples(
            [tf.constant([np.nan])], tf.zeros((images, 4, 4, 1))
        )
    np.testing.assert_array_equal(found, [expected])


def test_the_parts_of_other_replicas_are_summed():
    variable = keras.Variable([0.0, 0.0])
    set_local_values(variable, [[1.0, 2.0], [3.0, 4.0]])
    assert np.array(variable).tolist() == [4.0, 6.0]
    (part,) = local_values(variable)
    assert part.tolist() == [4.0, 6.0]


@pytest.mark.slow
def test_one_replicas_overflow_is_everybodys(runs):
    """Both weights and the loss scale after each of two steps."""
    # Left out at a scale halved; then 0.5 (4 / 2) from each of three.
    together = [[1, 1, 2], [-2, -2, 2]]
    np.testing.assert_array_equal(runs["overflow together"], together)
    # Why it is needed: Keras looks at the first replica's alone.
    alone = [[-0.5, -np.inf, 4], [-2, -np.inf, 4]]
    np.testing.assert_array_equal(runs["overflow alone"], alone)


def test_an_overflow_without_replicas_is_left_to_keras():
    gradients = [tf.constant([np.inf])]
    assert overflow_together(gradients) is gradients
