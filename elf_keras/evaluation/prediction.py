"""Logits of whole splits, and prediction that really stops early."""

import dataclasses
from collections.abc import Iterator

import keras
import numpy as np

from elf_keras import errors
from elf_keras.data import pipeline, splits
from elf_keras.distribution import worker_steps, workers
from elf_keras.exits import exit_rule, in_turn
from elf_keras.exits.answer_rule import PLAIN, AnswerRule
from elf_keras.exits.thresholds import ExitThresholds
from elf_keras.runs import progress

BATCH_SIZE = 256
# Of a batch: the maps of the first layers are many times as large.
BATCH_PIXELS = 2**21
# Logits held at a time where a whole split's would not fit.
PART_BYTES = 2**27


@dataclasses.dataclass(frozen=True, eq=False)
class Prediction:
    """What a dynamic model answers.

    Attributes:
      classes: predicted class indices, `(images,)`.
      certainty: what the exit rule compared at the exit taken, confidence
        unless another rule was asked for, in (0, 1], `(images,)`.
      exit_taken: index of the exit, from 0, `(images,)`.
      scores: what that exit answers by, `(images, classes)`; None without
        images, or where only classes were known.
    """

    classes: np.ndarray
    certainty: np.ndarray
    exit_taken: np.ndarray
    scores: np.ndarray | None = None


def joined(parts: list[Prediction]) -> Prediction:
    """Answers to several batches, one after the other, as one."""
    names = [field.name for field in dataclasses.fields(Prediction)]
    columns = [[getattr(part, name) for part in parts] for name in names]
    return Prediction(
        *(
            None
            if any(each is None for each in column)
            else np.concatenate(column)
            for column in columns
        )
    )


@dataclasses.dataclass(frozen=True, eq=False)
class Answer:
    """What a model says of one image, whoever runs it.

    Attributes:
      probabilities: calibrated, `(classes,)`.
      certainty: what the exit rule compared at the exit taken.
      exit: that was taken, from 1.
    """

    probabilities: np.ndarray
    certainty: float
    exit: int


def calibrated(found: Prediction, temperatures: np.ndarray) -> list[Answer]:
    """The answers to images one by one; T of each exit is `(exits,)`."""
    scaled = found.scores / np.asarray(temperatures)[found.exit_taken, None]
    powers = np.exp(scaled - scaled.max(-1, keepdims=True))
    shares = powers / powers.sum(-1, keepdims=True)
    return [
        Answer(share, float(sure), int(taken) + 1)
        for share, sure, taken in zip(
            shares, found.certainty, found.exit_taken, strict=True
        )
    ]


class Counted(keras.callbacks.Callback):
    """Count the images that `predict` has done, for a terminal."""

    def __init__(self, counter: progress.Counter, batch_size: int):
        super().__init__()
        self.counter, self.batch_size = counter, batch_size

    def on_predict_batch_end(self, batch, logs=None):
        """Count a batch; the last one may be smaller."""
        left = self.counter.total - self.counter.done
        self.counter.add(min(self.batch_size, left))


def batch_size(examples: splits.Examples) -> int:
    """Images computed at a time: fewer of large ones, at least 1."""
    height, width = examples.images.shape[1:3]
    return max(1, min(BATCH_SIZE, BATCH_PIXELS // (height * width)))


def predict_logits(
    model: keras.Model,
    examples: splits.Examples,
    counter: progress.Counter | None = None,
) -> np.ndarray:
    """Logits in source order, float32 `(images, exits, classes)`.

    `counter` is that of a split of which the examples are a part.
    """
    counter = counter or progress.Counter("scoring", len(examples))
    if workers.is_several(model.distribute_strategy):
        return _logits_of_workers(model, examples)
    size = batch_size(examples)
    batches = pipeline.evaluation_batches(examples, batch_size=size)
    # With a callback Keras waits for each batch.
    shown = [Counted(counter, size)] if progress.is_shown() else None
    with errors.translated():
        outputs = model.predict(batches, verbose=0, callbacks=shown)
    return exit_rule.stack_exits(outputs)


def _logits_of_workers(model, examples):
    """Logits of all images, of which this worker computes its part."""
    strategy = model.distribute_strategy
    rows = workers.rows_of_worker(strategy, len(examples))
    found = [
        np.zeros((0, len(model.outputs), model.outputs[0].shape[-1]), "float32")
    ]
    if len(rows):
        counter = progress.Counter("scoring", len(rows))
        batches = pipeline.evaluation_batches(
            examples.take(rows), batch_size=batch_size(examples)
        )
        with errors.translated():
            for outputs in worker_steps.outputs(model, batches):
                found.append(np.asarray(exit_rule.stack_exits(outputs)))
                counter.add(len(found[-1]))
    return workers.gathered(strategy, np.concatenate(found))


def logit_parts(
    model: keras.Model, examples: splits.Examples
) -> Iterator[np.ndarray]:
    """Logits as in `predict_logits`, in parts of at most `PART_BYTES`."""
    row = 4 * sum(output.shape[-1] for output in model.outputs)
    one, count = batch_size(examples), len(examples)
    size = max(1, PART_BYTES // (row * one)) * one
    if count <= size:
        yield predict_logits(model, examples)
        return
    counter = progress.Counter("scoring", count)
    for start in range(0, count, size):
        rows = np.arange(start, min(start + size, count))
        yield predict_logits(model, examples.take(rows), counter)


def leave(
    classes: np.ndarray, reached: np.ndarray, thresholds: ExitThresholds
) -> Prediction:
    """Apply the exit rule to all exits' classes and certainty.

    Both are `(images, exits)`.
    """
    above = exit_rule.above(reached, thresholds.with_last)
    taken = exit_rule.exit_taken(above)
    at = np.arange(len(classes)), taken
    return Prediction(classes[at], reached[at], taken)


def predict_dynamic(
    stages: list[keras.Model],
    images: np.ndarray,
    thresholds: ExitThresholds,
    rule: AnswerRule = PLAIN,
) -> Prediction:
    """Classify a batch stage by stage; who has left is not computed further.

    Args:
      stages: of a multi-exit model, see `models.stages`.
      images: pixel values 0 to 255, `(images, height, width, channels)`.
      thresholds: of the early exits.
      rule: how the model answers.
    """
    alive = np.arange(len(images))
    result = Prediction(
        np.zeros(len(images), "int64"),
        np.zeros(len(images), "float32"),
        np.full(len(images), len(stages) - 1),
    )
    features, kept, scores = np.asarray(images, "float32"), {}, None
    for number, stage in enumerate(stages):
        if not alive.size:
            break
        outputs = stage(features, training=False)
        logits = np.asarray(outputs[f"exit_{number + 1}"])
        answered, sure, kept = in_turn.step(rule, number + 1, logits, kept)
        scores = np.zeros_like(answered) if scores is None else scores
        last = number == len(stages) - 1
        leaves = exit_rule.above(sure, thresholds.with_last[number]) | last
        gone = alive[leaves]
        result.classes[gone] = answered[leaves].argmax(-1)
        result.certainty[gone] = sure[leaves]
        result.exit_taken[gone] = number
        scores[gone] = answered[leaves]
        alive = alive[~leaves]
        kept = {name: values[~leaves] for name, values in kept.items()}
        if not last:
            features = np.asarray(outputs["features"])[~leaves]
    return dataclasses.replace(result, scores=scores)
