"""Optimizer, epochs and callbacks of a training; no flags.

HAR, Sec. IV-A: SGD with momentum 0.9, batches of 128, warm-up, step decay.
"""

import dataclasses
import pathlib
import sys
from collections.abc import Callable

import keras
import numpy as np
from keras import ops

from elf_keras import callbacks, checkpoints
from elf_keras.data import augment as augmentations
from elf_keras.data import pipeline, splits

# Warn where a method that lets examples leave hardly does, or always does.
FEW_LEAVE, ALL_LEAVE = 0.01, 0.99


@keras.saving.register_keras_serializable("elf_keras")
class CoupledSGD(keras.optimizers.SGD):
    """SGD with momentum whose L2 term is part of the gradient, as PyTorch's.

    v ← m v + g + λ w; w ← w - η v, for every trainable variable w. Keras'
    own `weight_decay` is decoupled, w ← w - η λ w outside the momentum: with
    m = 0.9 about ten times weaker. Its velocity holds η, so that after a
    drop of the rate the old one would still act for some ten steps.

    Args:
      learning_rate: η > 0.
      momentum: m in [0, 1).
      coupled_decay: λ ≥ 0.
      **kwargs: as in `keras.optimizers.SGD`.
    """

    def __init__(
        self,
        learning_rate=0.1,
        momentum=0.9,
        coupled_decay=2e-4,
        name="coupled_sgd",
        **kwargs,
    ):
        super().__init__(learning_rate, momentum=momentum, name=name, **kwargs)
        self.coupled_decay = coupled_decay

    def update_step(self, gradient, variable, learning_rate):
        """Update one variable and its velocity."""
        step = ops.cast(gradient, variable.dtype)
        step = step + self.coupled_decay * variable
        if self.momentum:
            velocity = self.momentums[self._get_variable_index(variable)]
            step = self.momentum * velocity + step
            self.assign(velocity, step)
        learning_rate = ops.cast(learning_rate, variable.dtype)
        self.assign_sub(variable, learning_rate * step)

    def get_config(self):
        """Return the arguments that rebuild the optimizer."""
        return {**super().get_config(), "coupled_decay": self.coupled_decay}


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


@dataclasses.dataclass(frozen=True)
class Batches:
    """How the training split becomes batches.

    Attributes:
      size: examples in a batch, all replicas together.
      seed: of order and augmentation.
      augmentation: what may happen to an image, or None.
      sampler: key of `samplers.SAMPLERS`.
      deferred_epoch: zero-based, from which `deferred` balances classes.
      second_sampler: of a second image beside each, for a `BilateralPass`.
    """

    size: int
    seed: int
    augmentation: augmentations.Augmentation | None = None
    sampler: str = "instance"
    deferred_epoch: int = 0
    second_sampler: str | None = None


@dataclasses.dataclass(frozen=True)
class Outcome:
    """What a training leaves behind besides the model.

    Attributes:
      history: one dict of logs per epoch.
      best_epoch: zero-based, by validation; None without validation.
      problems: a sentence on each damaged checkpoint that was passed over.
      first_epoch: where this process began, > 0 when it resumed.
      checkpoints: the callback that holds the best weights.
    """

    history: list[dict]
    best_epoch: int | None
    problems: list[str]
    first_epoch: int
    checkpoints: checkpoints.Checkpoints


def fit(
    model: keras.Model,
    data: splits.Splits,
    *,
    schedule: Schedule,
    batches: Batches,
    folder: pathlib.Path,
    prior: np.ndarray | None = None,
    report: Callable[[str], None] = lambda line: None,
) -> Outcome:
    """Train a compiled model, from its newest checkpoint where there is one.

    Args:
      model: compiled with an optimizer and a `CumulativeLoss`.
      data: the splits; without validation no epoch is the best.
      schedule: what changes with the epoch.
      batches: how the training split becomes batches.
      folder: the run's folder; checkpoints and TensorBoard logs go below.
      prior: class shares in deployment, by which the best epoch is chosen;
        None for uniform.
      report: called with each sentence the user should read.

    Returns:
      The outcome; the model holds the last epoch's weights.

    Raises:
      InputError: where the loss stops being a number, every checkpoint is
        damaged, or an image file cannot be decoded.
    """
    with model.distribute_strategy.scope():
        model.optimizer.build(model.trainable_variables)
    monitor = None if data.validation is None else "validation_accuracy"
    saver = checkpoints.Checkpoints(folder / "checkpoints", monitor=monitor)
    first_epoch, problems = saver.restore(model)
    for problem in problems:
        report(problem)
    if first_epoch:
        report(f"going on after epoch {first_epoch}")
    if first_epoch < schedule.epochs:
        steps = pipeline.steps_per_epoch(len(data.train), batches.size)
        chosen = _callbacks(model, data, schedule, saver, folder, prior)
        with pipeline.clear_errors():
            model.fit(
                epochs_of(data, batches, range(first_epoch, schedule.epochs)),
                initial_epoch=first_epoch,
                epochs=schedule.epochs,
                steps_per_epoch=steps,
                shuffle=False,
                verbose=1 if sys.stderr.isatty() else 0,
                callbacks=chosen,
            )
    best = saver.best["epoch"] if saver.best else None
    return Outcome(saver.history, best, problems, first_epoch, saver)


def share_warnings(logs: dict, exits: int) -> list[str]:
    """Sentences about exits that take nearly nothing or nearly everything.

    Args:
      logs: of the last epoch.
      exits: number of exits K.
    """
    if exits == 1:
        return []
    early = 1 - logs[f"exit_{exits}_share"]
    percent = f"{100 * early:.1f} % of the training images left early"
    if early < FEW_LEAVE:
        return [
            f"{percent} in the last epoch: hardness hardly counted; lower "
            "--train_threshold"
        ]
    if early > ALL_LEAVE:
        return [
            f"{percent} in the last epoch: the last exit hardly learned; "
            "raise --train_threshold"
        ]
    return []


def epochs_of(data: splits.Splits, batches: Batches, epochs: range):
    """Return the training split as one dataset of whole epochs."""
    found = pipeline.training_batches(
        data.train,
        batch_size=batches.size,
        seed=batches.seed,
        epochs=epochs,
        augment=batches.augmentation,
        sampler=batches.sampler,
        deferred_epoch=batches.deferred_epoch,
    )
    if batches.second_sampler is None:
        return found
    second = dataclasses.replace(
        batches, sampler=batches.second_sampler, second_sampler=None
    )
    return pipeline.paired(found, epochs_of(data, second, epochs))


def _callbacks(model, data, schedule, saver, folder, prior):
    """Callbacks in order: rates, weights, clock, scores, record, display."""
    classes = len(data.class_names)
    chosen = [
        keras.callbacks.LearningRateScheduler(schedule.learning_rate),
        callbacks.DelayedReweighting(
            model.objective,
            schedule.class_weights,
            reweight_epoch=schedule.reweight_epoch,
        ),
        callbacks.StopOnNaN(saver),
        callbacks.EpochClock(len(data.train)),
    ]
    if schedule.conventional_share:
        chosen.append(
            callbacks.EpochValue(
                model.training_pass.share, schedule.conventional_share
            )
        )
    if data.validation is not None:
        chosen.append(
            callbacks.ValidationScores(data.validation, classes, prior=prior)
        )
    chosen += [
        saver,
        keras.callbacks.TensorBoard(folder / "tensorboard", write_graph=False),
    ]
    if not sys.stderr.isatty():
        chosen.append(callbacks.EpochLines())
    return chosen
