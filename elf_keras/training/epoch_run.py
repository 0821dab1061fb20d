"""The epochs of a training: their batches, their callbacks, one call of fit."""

import dataclasses
from collections.abc import Callable

import keras
import numpy as np
import tensorflow as tf

from elf_keras import errors
from elf_keras.data import damaged, pipeline, replica_parts, splits
from elf_keras.data.batches import Batches
from elf_keras.distribution import workers
from elf_keras.evaluation.scorer import Scorer
from elf_keras.training import callbacks, progress_line, watchdogs
from elf_keras.training.prior_correction import Correction
from elf_keras.training.weight_average import WeightAverage


@dataclasses.dataclass(frozen=True)
class Schedule:
    """What changes with the epoch, each a function of the epoch alone.

    Attributes:
      epochs: number of epochs; 0 trains nothing.
      learning_rate: zero-based epoch, with the part of it that is done, ->
        learning rate.
      reweight_epoch: zero-based epoch from which class weights apply.
      class_weights: those weights, `(classes,)`.
      conventional_share: zero-based epoch -> α, for a `BilateralPass`.
    """

    epochs: int
    learning_rate: Callable[[float], float]
    reweight_epoch: int
    class_weights: np.ndarray
    conventional_share: Callable[[int], float] | None = None

    def weights(self, epoch: int) -> np.ndarray:
        """Class weights of a zero-based epoch: 1 before `reweight_epoch`.

        Reference: Cao et al. 2019 (LDAM), Sec. 3.3; HAR, Sec. IV-A.
        """
        weights = np.asarray(self.class_weights, "float32")
        delayed = epoch < self.reweight_epoch
        return np.ones_like(weights) if delayed else weights


@dataclasses.dataclass(frozen=True)
class Training:
    """A model, and all that decides what it learns.

    Attributes:
      model: compiled with an optimizer and a `CumulativeLoss`.
      data: the splits; without validation no epoch is the best.
      scorer: by which the best epoch is chosen.
      average: of the model's weights, which is scored in its place, or None.
      correction: of what is scored after training, or None.
      watched: validation images that are scored while training goes on; by
        default all of them.
    """

    model: keras.Model
    data: splits.Splits
    scorer: Scorer
    schedule: Schedule
    batches: Batches
    average: WeightAverage | None = None
    correction: Correction | None = None
    watched: splits.Examples | None = None

    @property
    def steps(self) -> int:
        """Steps of an epoch."""
        return self.batches.steps(len(self.data.train))

    @property
    def images(self) -> int:
        """Training images that an epoch shows, each as often as it does."""
        shown = self.batches.passes * len(self.data.train)
        return min(shown, self.steps * self.batches.size)

    @property
    def scored(self) -> keras.Model:
        """What is scored, chosen from and saved."""
        return self.average.model if self.average else self.model


def shared_epochs(
    strategy: tf.distribute.Strategy,
    data: splits.Splits,
    batches: Batches,
    epochs: range,
    *,
    done: int = 0,
):
    """Return `pipeline.training_batches`, shared out to a strategy's replicas.

    Of the first epoch, `done` batches are left out.
    """
    if strategy.num_replicas_in_sync == 1:
        return pipeline.training_batches(data.train, batches, epochs, done=done)

    def of_worker(context):
        workers = context.num_input_pipelines
        share = replica_parts.bounds(
            batches.size,
            replicas=context.num_replicas_in_sync // workers,
            workers=workers,
            worker=context.input_pipeline_id,
        )
        found = pipeline.training_batches(
            data.train, batches, epochs, done=done, share=share
        )
        return replica_parts.held(found)

    return strategy.distribute_datasets_from_function(of_worker)


def fit(training: Training, saver, middle, report, clients) -> None:
    """Train from what the `Checkpoints` have restored to the last epoch.

    `middle` is a `MidEpoch` with them; `report` is called with each warning,
    and the `log_clients` take the logs.
    """
    model, batches = training.model, training.batches
    done, steps = saver.place
    epochs = range(done, training.schedule.epochs)
    with errors.translated():
        model.fit(
            shared_epochs(
                model.distribute_strategy,
                training.data,
                batches,
                epochs,
                done=steps,
            ),
            initial_epoch=done,
            epochs=epochs.stop,
            steps_per_epoch=training.steps,
            shuffle=False,
            # Keras' bar is wider than a terminal; see `progress_line`.
            verbose=0,
            callbacks=[
                *(middle.clock, watchdogs.StopOnDivergence(), middle),
                *_of_the_schedule(training),
                *_told(training, saver, report, clients),
                # Last, so that what is saved was told and logged.
                saver,
            ],
        )


def _of_the_schedule(training):
    """Callbacks that set rates and weights as the epochs go on."""
    model, schedule = training.model, training.schedule
    yield callbacks.StepRate(schedule.learning_rate, training.steps)
    yield callbacks.EpochValue(model.objective.class_weights, schedule.weights)
    if schedule.conventional_share:
        yield callbacks.EpochValue(
            model.training_pass.share, schedule.conventional_share
        )


def _told(training, saver, report, clients):
    """Callbacks that score an epoch, and tell of it."""
    model = training.model
    validation = training.watched or training.data.validation
    if validation is not None:
        yield callbacks.ValidationScores(
            validation, training.scorer, training.scored
        )
    yield keras.callbacks.LambdaCallback(
        on_epoch_end=lambda epoch, logs: [
            report(f"note: {note}") for note in damaged.news(training.data)
        ]
    )
    yield from (client.callback() for client in clients)
    if workers.is_chief(model.distribute_strategy):
        yield progress_line.ProgressLine(saver.place)
        yield callbacks.EpochLines()
    yield watchdogs.Warnings(saver.history, report)
