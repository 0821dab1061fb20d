"""What a strategy's replicas read lives as long as they read it."""

import command_runs
import pytest

# TensorFlow sets options on what it shares out, and makes an iterator of that.
# Where the last such dataset is gone, the iterator reads freed memory.
LIVES = """
import gc, weakref
import numpy as np
import tensorflow as tf

tf.config.set_logical_device_configuration(
    tf.config.list_physical_devices("CPU")[0],
    [tf.config.LogicalDeviceConfiguration()] * 2,
)
from elf_keras.data import batches, pipeline, splits
from elf_keras.distribution import strategies
from elf_keras.training import epoch_run

made = []
set_options = tf.data.Dataset.with_options

def recorded(*arguments, **options):
    found = set_options(*arguments, **options)
    made.append(weakref.ref(found))
    return found

tf.data.Dataset.with_options = recorded
images = np.zeros((4, 8, 8, 3), "uint8")
train = splits.Examples(images, np.zeros(4, "int32"), ("",) * 4)
data = splits.Splits(train, None, None, ("a",), np.array([4]))
rule, epochs = batches.Batches(2, 0), range(2)
strategy = strategies.create("mirrored", None)

def plain(_):
    return pipeline.training_batches(train, rule, epochs, share=(0, 1, 2))

for kind, shared in (
    ("plain", strategy.distribute_datasets_from_function(plain)),
    ("ours", epoch_run.shared_epochs(strategy, data, rule, epochs)),
):
    stream = iter(shared)
    gc.collect()
    print(kind, "lives" if made[-1]() is not None else "is gone")
"""

# Each stream is dropped while the thread behind it fetches what comes next.
DROPPED = """
import tensorflow as tf
from elf_keras.data import replica_parts

options = tf.data.Options()
options.autotune.enabled = False
options.experimental_optimization.apply_default_optimizations = False
strategy = tf.distribute.MirroredStrategy(["CPU:0"])

def slow(number):
    return tf.reduce_sum(tf.random.stateless_normal((100000,), (number, 0)))

def of_worker(_):
    numbers = tf.data.Dataset.range(10**9).map(slow)
    return replica_parts.held(numbers.with_options(options))

for _ in range(40):
    stream = iter(strategy.distribute_datasets_from_function(of_worker))
    next(stream)
    del stream
"""


@pytest.mark.slow
def test_what_the_replicas_read_lives_and_would_not_by_itself():
    found = command_runs.ended(command_runs.child("-c", LIVES))
    assert found.out.splitlines() == ["plain is gone", "ours lives"], found.err


@pytest.mark.slow
def test_a_stream_that_is_dropped_ends_no_process():
    command_runs.succeeded(command_runs.child("-c", DROPPED))
