"""Exits that are trained first, on the features of a backbone that is fixed.

With pretrained weights the features are good from the start, the exits are
not: their gradients would spoil the features. The features of each tap are
computed once, for as many images as fit; the last exit becomes the balanced
linear probe of the last features; the others are trained by the objective.
"""

import dataclasses
import time
from collections.abc import Callable

import keras
import numpy as np
import tensorflow as tf
from keras import ops

from elf_keras.data import pipeline, splits
from elf_keras.exits import exit_rule
from elf_keras.models.multi_exit_model import MultiExitModel
from elf_keras.training import linear_probe, schedules
from elf_keras.training.optimizer import AdamW

BATCH = 64
LEARNING_RATE = 3e-3
WEIGHT_DECAY = 0.01
# Bytes of features that are held, in half precision.
HELD = 2**30
_READ = 32
# Steps that an estimate is taken from.
_TIMED = 6
_LARGEST = float(np.finfo(np.float16).max)


@dataclasses.dataclass(frozen=True)
class Record:
    """What the first part of a training did.

    Attributes:
      probe_accuracy: of the linear probe on validation, a mean over classes;
        None without validation.
      probe_strength: inverse weight of its penalty.
      images: whose features were held.
      steps: of the other exits.
      seconds: all of it.
    """

    probe_accuracy: float | None
    probe_strength: float
    images: int
    steps: int
    seconds: float

    @property
    def sentence(self) -> str:
        """What to tell the user: the score that training has to beat."""
        seen = "no validation to score it on"
        if self.probe_accuracy is not None:
            seen = f"{100 * self.probe_accuracy:.1f} % of validation"
        return (
            f"linear probe on the given features, classes balanced: {seen} "
            f"(mean over classes, {self.seconds:.0f} s, exits included)"
        )


def train(
    model: MultiExitModel,
    data: splits.Splits,
    objective: Callable,
    *,
    steps: int,
    seed: int,
    weights: Callable[[np.ndarray], np.ndarray],
) -> Record:
    """Train the exits of a model in place; the backbone stays as it is.

    Args:
      objective: a `CumulativeLoss` in which nobody leaves.
      steps: of `BATCH` images each, for the early exits.
      weights: labels -> weights of the images in a mean, sum 1.

    Raises:
      InputError: for an image file that cannot be decoded.

    Reference: Kumar et al. 2022, *Fine-Tuning can Distort Pretrained Features
    and Underperform Out-of-Distribution* (LP-FT).
    """
    began = time.perf_counter()
    # A copy beside the strategy, whatever it is: every worker computes alike.
    copy = MultiExitModel.from_config(model.get_config())
    copy.set_weights(model.get_weights())
    reading = _features(copy)
    chosen = _balanced(data.train.labels, HELD // _bytes_of_one(reading), seed)
    part = data.train.take(chosen)
    held = _computed(reading, part)
    probe = _probe(copy, held[-1], part.labels, data.validation, weights)
    last = _classifier(copy)
    # A cosine classifier has no such weights: it is trained with the others.
    linear = isinstance(last, keras.layers.Dense)
    if linear:
        last.set_weights([probe.kernel, probe.bias])
    trains = len(held) > 1 or not linear
    if trains:
        for _ in _steps(copy, held, part.labels, objective, steps, seed):
            pass
    model.set_weights(copy.get_weights())
    return Record(
        probe.accuracy,
        probe.strength,
        len(part),
        steps if trains else 0,
        time.perf_counter() - began,
    )


def seconds(
    model: MultiExitModel, data: splits.Splits, objective: Callable, steps: int
) -> float:
    """Estimate the time of `train` from a few batches; the model stays."""
    reading = _features(model)
    limit = HELD // _bytes_of_one(reading)
    images = min(len(data.train), limit) + len(data.validation or ())
    few = data.train.take(np.arange(min(len(data.train), BATCH)))
    times, held = [], None
    for _ in range(2):
        began = time.perf_counter()
        held = _computed(reading, few)
        times.append((time.perf_counter() - began) / len(few))
    if len(held) == 1:
        return images * min(times)
    copy = MultiExitModel.from_config(model.get_config())
    # The first one traces the graph.
    timed = _steps(copy, held, few.labels, objective, 1 + _TIMED, 0)
    ends = [time.perf_counter() for _ in timed]
    return images * min(times) + steps * float(np.median(np.diff(ends)))


def _features(model):
    """From the image to what every exit reads: taps, then pooled features."""
    *early, last = exit_rule.exit_names(len(model.output_names))
    taps = [model.get_layer(f"{name}_tap").input for name in early]
    pooled = model.get_layer(f"{last}_pool").output
    return keras.Model(model.inputs[0], [*taps, pooled])


def _classifier(model):
    """The layer that gives the last exit's logits."""
    return model.get_layer(exit_rule.exit_names(len(model.output_names))[-1])


def _bytes_of_one(reading):
    return 2 * sum(int(np.prod(each.shape[1:])) for each in reading.outputs)


def _balanced(labels, limit, seed):
    """Indices of at most so many images, rare classes whole, in order."""
    counts = np.bincount(labels)
    quota = counts.max()
    if len(labels) > limit:
        quotas = np.arange(1, quota + 1)
        totals = np.minimum(counts, quotas[:, None]).sum(1)
        quota = max(1, int((totals <= limit).sum()))
    order = np.random.default_rng(seed).permutation(len(labels))
    of_class = [
        order[labels[order] == each][:quota] for each in np.unique(labels)
    ]
    return np.sort(np.concatenate(of_class))


def _computed(reading, examples):
    """Features of all examples, an array each, in half precision."""
    shapes = [(len(examples), *each.shape[1:]) for each in reading.outputs]
    held = [np.empty(shape, np.float16) for shape in shapes]
    compute = tf.function(
        lambda images: [
            tf.cast(tf.clip_by_value(each, -_LARGEST, _LARGEST), tf.float16)
            for each in keras.tree.flatten(reading(images, training=False))
        ]
    )
    start = 0
    for images, _ in pipeline.evaluation_batches(examples, batch_size=_READ):
        for array, found in zip(held, compute(images), strict=True):
            array[start : start + len(found)] = found
        start += len(images)
    return held


def _probe(model, features, labels, validation, weights):
    last = exit_rule.exit_names(len(model.output_names))[-1]
    seen = None
    if validation is not None:
        pooled = model.get_layer(f"{last}_pool").output
        reading = keras.Model(model.inputs[0], [pooled])
        (found,) = _computed(reading, validation)
        right = validation.labels
        seen = found.astype("float32"), right, weights(right)
    return linear_probe.fit(features.astype("float32"), labels, seen)


def _steps(model, held, labels, objective, steps, seed):
    """Train all exits but a linear last one, each on its tap; yield a step."""
    *early, last = exit_rule.exit_names(len(model.output_names))
    taps = [model.get_layer(f"{name}_tap").output for name in early]
    pooled = model.get_layer(f"{last}_pool").output
    heads = keras.Model([*taps, pooled], dict(model.output))
    probe = _classifier(model)
    probe.trainable = not isinstance(probe, keras.layers.Dense)
    rate = schedules.cosine(LEARNING_RATE, epochs=steps, warmup_epochs=0)
    optimizer = AdamW(LEARNING_RATE, WEIGHT_DECAY)
    optimizer.build(heads.trainable_variables)

    @tf.function(reduce_retracing=True)
    def step(features, classes):
        with tf.GradientTape() as tape:
            outputs = heads([*map(_single, features)], training=True)
            loss = objective(classes, outputs)
        gradients = tape.gradient(loss, heads.trainable_weights)
        optimizer.apply_gradients(
            zip(gradients, heads.trainable_weights, strict=True)
        )

    for number, rows in enumerate(_rows(len(labels), steps, seed)):
        optimizer.learning_rate = rate(number + 0.5)
        step([tf.constant(each[rows]) for each in held], labels[rows])
        yield number


def _single(features):
    return ops.cast(features, "float32")


def _rows(count, steps, seed):
    """Indices of each step: every image once before any comes again."""
    random, size = np.random.default_rng(seed), min(BATCH, count)
    order = np.empty(0, int)
    for _ in range(steps):
        if len(order) < size:
            order = np.concatenate([order, random.permutation(count)])
        yield order[:size]
        order = order[size:]
