"""Several workers: the steps that Keras cannot take there.

Keras' `fit` fails under `MultiWorkerMirroredStrategy`: first where it builds
the model from a batch (`MultiExitModel` overrides that), then since scalar
logs cannot be averaged along an axis (keras issue 20585), for which
`train_function` stands in. `tests/distribution/test_worker_steps.py` fails
once Keras needs either no more. `outputs` is there because with `predict`
every worker would read and decode every image.
"""

import functools
import itertools

import keras
import tensorflow as tf

from elf_keras.distribution import workers
from elf_keras.distribution.replicas import sum_over_replicas


class Wishes:
    """Whether any worker wishes to stop, or to save, after the next step.

    Workers that stopped or saved after different steps would wait for each
    other for ever, so wishes travel with the step.

    Attributes:
      mine: to stop, and to save; set before a step.
      shared: the same after it, true where any worker's was.
    """

    mine = shared = (False, False)


def train_function(model: keras.Model):
    """Return what `fit` calls with an iterator, for logs of all workers.

    Returns:
      A function with an attribute `wishes`.
    """
    strategy, wishes = model.distribute_strategy, Wishes()

    def of_replica(data, mine):
        # A sum needs a tensor that lies on this replica's device.
        shared = sum_over_replicas(tf.identity(mine))
        return model.train_step(data), shared

    @tf.function(reduce_retracing=True)
    def step(iterator, mine):
        found = strategy.run(of_replica, args=(next(iterator), mine))
        return tf.nest.map_structure(
            lambda value: strategy.experimental_local_results(value)[0], found
        )

    def function(iterator):
        mine = tf.constant(wishes.mine, tf.float32)
        logs, shared = step(iterator, mine)
        wishes.shared = tuple(shared.numpy() > 0)
        return logs

    function.wishes = wishes
    return function


def outputs(model: keras.Model, batches: tf.data.Dataset) -> list[dict]:
    """Outputs for this worker's own batches, on its own replicas.

    Args:
      batches: of (images, labels); other workers have others.

    Returns:
      For each batch its outputs by name, in the batches' order.
    """
    strategy = model.distribute_strategy
    replicas, stream, found = workers.replicas(strategy), iter(batches), []
    while group := [images for images, _ in itertools.islice(stream, replicas)]:
        none = [group[0][:0]] * (replicas - len(group))
        answers = _forward(model)(workers.per_replica(strategy, group + none))
        parts = zip(
            *(strategy.experimental_local_results(v) for v in answers.values()),
            strict=True,
        )
        named = [dict(zip(answers, part, strict=True)) for part in parts]
        found += named[: len(group)]
    return found


@functools.lru_cache(maxsize=1)
def _forward(model):
    @tf.function(reduce_retracing=True)
    def forward(images):
        return model.distribute_strategy.run(
            model, args=(images,), kwargs={"training": False}
        )

    return forward
