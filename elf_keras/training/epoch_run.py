"""The epochs of a training: their batches, their callbacks, one call of fit.

Batches, schedule and splits are those of `training`, which calls this.
"""

import dataclasses
import sys
from collections.abc import Callable

import keras
import numpy as np
import tensorflow as tf

from elf_keras import errors
from elf_keras.data import pipeline, replica_parts
from elf_keras.distribution import workers
from elf_keras.training import callbacks, rollback, watchdogs


@dataclasses.dataclass(frozen=True)
class Schedule:
    """What changes with the epoch, each a function of the epoch alone.

    Attributes:
      epochs: number of epochs; 0 trains nothing.
      learning_rate: zero-based epoch -> learning rate.
      reweight_epoch: zero-based epoch from which class weights apply.
      class_weights: those weights, `(classes,)`.
      conventional_share: zero-based epoch -> α, for a `BilateralPass`.
    """

    epochs: int
    learning_rate: Callable[[int], float]
    reweight_epoch: int
    class_weights: np.ndarray
    conventional_share: Callable[[int], float] | None = None


def shared_epochs(
    strategy: tf.distribute.Strategy, data, batches, epochs, *, done: int = 0
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
        return pipeline.training_batches(
            data.train, batches, epochs, done=done, share=share
        )

    return strategy.distribute_datasets_from_function(of_worker)


def fit_from(place, model, data, schedule, batches, chosen) -> None:
    """Train from a place, (epochs, steps) that are done, to the end."""
    epochs = range(place[0], schedule.epochs)
    with errors.translated():
        model.fit(
            shared_epochs(
                model.distribute_strategy, data, batches, epochs, done=place[1]
            ),
            initial_epoch=epochs.start,
            epochs=epochs.stop,
            steps_per_epoch=pipeline.steps_per_epoch(
                len(data.train), batches.size
            ),
            shuffle=False,
            verbose=1 if sys.stderr.isatty() else 0,
            callbacks=chosen,
        )


def leaving(model) -> tuple[int, bool]:
    """Number of exits, and whether examples may leave before the last."""
    exits = len(model.output_names)
    return exits, exits > 1 and np.isfinite(model.objective.train_threshold)


def callbacks_of(
    model, data, schedule, saver, report, *, prior, exit_weights
) -> list:
    """Callbacks in order: rates, weights, scores, display, record."""
    factor = rollback.rate_factor(saver.notes)
    chosen = [
        keras.callbacks.LearningRateScheduler(
            lambda epoch: factor * schedule.learning_rate(epoch)
        ),
        callbacks.DelayedReweighting(
            model.objective,
            schedule.class_weights,
            reweight_epoch=schedule.reweight_epoch,
        ),
    ]
    if schedule.conventional_share:
        chosen.append(
            callbacks.EpochValue(
                model.training_pass.share, schedule.conventional_share
            )
        )
    if data.validation is not None:
        classes = len(data.class_names)
        chosen.append(
            callbacks.ValidationScores(
                data.validation,
                classes,
                prior=prior,
                exit_weights=exit_weights,
            )
        )
    chosen.append(
        keras.callbacks.TensorBoard(
            saver.folder.parent / "tensorboard", write_graph=False
        )
    )
    told = workers.is_chief(model.distribute_strategy)
    if told and not sys.stderr.isatty():
        chosen.append(callbacks.EpochLines())
    warnings = watchdogs.Warnings(saver.history, *leaving(model), report=report)
    # Last, so that what is saved was told and logged.
    return [*chosen, warnings, saver]
