"""Features that the exits of a fixed backbone read, and exits trained on them.

The backbone's part of a training step is most of it. Where the backbone stays
as it is, what each exit reads of an image is computed once, in half precision,
for as many images as fit.
"""

import dataclasses
from collections.abc import Callable, Iterator

import keras
import numpy as np
import tensorflow as tf
from keras import ops

from elf_keras import errors
from elf_keras.data import balanced_part, pipeline, splits
from elf_keras.exits import exit_rule
from elf_keras.models.multi_exit_model import MultiExitModel
from elf_keras.runs import progress
from elf_keras.training import schedules
from elf_keras.training.optimizer import AdamW

BATCH = 64
LEARNING_RATE = 3e-3
WEIGHT_DECAY = 0.01
# Bytes of features that are held: those of thousands of photos, which are
# enough for the exits and are computed in a minute.
MOST = 2**29
READ = 32
_LARGEST = float(np.finfo(np.float16).max)


@dataclasses.dataclass(frozen=True, eq=False)
class Held:
    """What the exits read of some images.

    Attributes:
      features: of each exit, float16, `(images, …)`: the taps, and last the
        pooled features of the backbone's own classifier.
      labels: `(images,)`.
    """

    features: list[np.ndarray]
    labels: np.ndarray

    def __len__(self) -> int:
        return len(self.labels)


def most_images(model: MultiExitModel) -> int:
    """Return of how many images `MOST` bytes hold the features."""
    reading = backbone_part(model)
    return MOST // (
        2 * sum(int(np.prod(each.shape[1:])) for each in reading.outputs)
    )


def hold(
    model: MultiExitModel,
    examples: splits.Examples,
    seed: int,
    most: int | None = None,
) -> Held:
    """Compute the features of the images that `part` leaves.

    Raises:
      InputError: for an image file that cannot be decoded.
    """
    held = part(model, examples, seed, most)
    return Held(computed(backbone_part(model), held), held.labels)


def part(
    model: MultiExitModel,
    examples: splits.Examples,
    seed: int,
    most: int | None = None,
) -> splits.Examples:
    """The images whose features are held, rare classes whole where not all fit.

    They are as many as memory holds, and `most` where it is less, but one of
    each class at least.
    """
    limit = min(most_images(model), len(examples) if most is None else most)
    # An exit does not learn a class that it never sees.
    limit = max(limit, len(np.unique(examples.labels)))
    return balanced_part.some(examples, limit, seed)


def pooled(model: MultiExitModel, examples: splits.Examples) -> np.ndarray:
    """What the last exit reads of the images, float16 `(images, features)`."""
    *_, last = backbone_part(model).outputs
    (found,) = computed(keras.Model(model.inputs[0], [last]), examples)
    return found


def computed(reading: keras.Model, examples) -> list[np.ndarray]:
    """Outputs of a model for all examples, an array each, in float16."""
    shapes = [(len(examples), *each.shape[1:]) for each in reading.outputs]
    held = [np.empty(shape, np.float16) for shape in shapes]
    start, counter = 0, progress.Counter("features", len(examples))
    for parts in batches(reading, examples):
        for array, found in zip(held, parts, strict=True):
            array[start : start + len(found)] = found
        start += len(found)
        counter.add(len(found))
    return held


def batches(
    reading: keras.Model, examples: splits.Examples
) -> Iterator[list[tf.Tensor]]:
    """Yield the outputs of a model, in float16, for `READ` images at a time.

    Raises:
      InputError: for an image file that cannot be decoded.
    """

    def compute(images):
        return [
            tf.cast(tf.clip_by_value(each, -_LARGEST, _LARGEST), tf.float16)
            for each in keras.tree.flatten(reading(images, training=False))
        ]

    rows = pipeline.evaluation_batches(examples, batch_size=READ)
    images, _ = rows.element_spec
    # Traced once: the last batch is smaller as a rule.
    of_any_size = tf.TensorSpec((None, *images.shape[1:]), images.dtype)
    traced = tf.function(compute).get_concrete_function(of_any_size)
    with errors.translated():
        for images, _ in rows:
            yield traced(images)


def copy_of(model: MultiExitModel) -> MultiExitModel:
    """Return the model beside its strategy: every worker computes alike."""
    copy = MultiExitModel.from_config(model.get_config())
    copy.set_weights(model.get_weights())
    return copy


def train_exits(
    model: MultiExitModel,
    held: Held,
    objective: Callable,
    steps: int,
    seed: int,
    *,
    last: bool,
) -> None:
    """Train the exits in place, each on its features.

    The last exit stays as it is where it is linear, or not asked for. The rate
    falls to nothing by half a cosine, so that batch statistics end as those of
    the weights that stay.

    Args:
      objective: a `CumulativeLoss` in which nobody leaves.
      steps: of `BATCH` images each.
      last: whether a last exit that is not linear is trained, too.
    """
    done = exit_steps(model, held, objective, steps, seed, last=last)
    for _ in progress.counted(done, "training the exits", steps, "steps"):
        pass


def exit_steps(
    model: MultiExitModel,
    held: Held,
    objective: Callable,
    steps: int,
    seed: int,
    *,
    last: bool,
) -> Iterator[int]:
    """Do `train_exits` and yield after every step."""
    deepest = model.get_layer(exit_rule.exit_names(len(model.output_names))[-1])
    deepest.trainable = last and not isinstance(deepest, keras.layers.Dense)
    inputs = [each.output for each in _last_of_backbone(model)]
    heads = keras.Model(inputs, dict(model.output))
    rate = schedules.cosine(LEARNING_RATE, epochs=steps, warmup_epochs=0)
    optimizer = AdamW(LEARNING_RATE, WEIGHT_DECAY)
    # Else gradients of float16 vanish.
    if any(layer.compute_dtype == "float16" for layer in heads.layers):
        optimizer = keras.optimizers.LossScaleOptimizer(optimizer)
    optimizer.build(heads.trainable_variables)

    @tf.function(reduce_retracing=True)
    def step(features, classes):
        with tf.GradientTape() as tape:
            outputs = heads([*map(_single, features)], training=True)
            loss = optimizer.scale_loss(objective(classes, outputs))
        gradients = tape.gradient(loss, heads.trainable_weights)
        optimizer.apply_gradients(
            zip(gradients, heads.trainable_weights, strict=True)
        )

    for number, rows in enumerate(_rows(len(held), steps, seed)):
        optimizer.learning_rate = rate(number + 0.5)
        features = [tf.constant(each[rows]) for each in held.features]
        step(features, held.labels[rows])
        yield number


def backbone_part(model: MultiExitModel) -> keras.Model:
    """From the image to what every exit reads, the last exit pooled."""
    *taps, pool = _last_of_backbone(model)
    outputs = [*(tap.input for tap in taps), pool.output]
    return keras.Model(model.inputs[0], outputs)


def _last_of_backbone(model):
    """A layer for each exit: what it gives is all that the exit sees."""
    *early, last = exit_rule.exit_names(len(model.output_names))
    names = [*(f"{name}_tap" for name in early), f"{last}_pool"]
    return [model.get_layer(name) for name in names]


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
