"""What goes wrong in a training without an error, told while it still helps."""

from collections.abc import Callable

import keras
import numpy as np

# Times the loss of equal logits for all classes, at every exit.
EXPLODED = 100.0
# Shares of the training images that an exit should take more, or less, than.
FEW_LEAVE, ALL_LEAVE = 0.01, 0.99
NEVER_PREDICTED = "validation_classes_never_predicted"


class DivergedError(Exception):
    """The loss or the weights are spoiled; says which and how."""


def check_weights(model: keras.Model) -> None:
    """Raise `DivergedError` for weights whose squares are not finite."""
    # Squares: a float32 weight of 1e20 is finite, but its layer is not.
    sizes = [
        keras.ops.sum(keras.ops.square(weight))
        for weight in model.trainable_weights
    ]
    if not np.isfinite(np.asarray(sizes)).all():
        raise DivergedError("the weights are no longer finite at the last step")


class StopOnDivergence(keras.callbacks.Callback):
    """Raise `DivergedError` where the loss is no number, or has exploded.

    Exploded: its running mean is over a hundred times the loss of equal
    logits for all C classes at all K exits, 100 K log C for plain
    cross-entropy. A resumed run decides alike: nothing before counts.
    """

    def set_model(self, model):
        """Keep the limit of this model."""
        super().set_model(model)
        exits = len(model.output_names)
        self.limit = EXPLODED * model.objective.loss_of_equal_logits(exits)

    def on_train_batch_end(self, batch, logs=None):
        """Look at the running mean of the loss."""
        loss = float(logs["loss"])
        if not np.isfinite(loss):
            raise DivergedError(f"the loss is {loss} at step {batch + 1}")
        if loss > self.limit:
            raise DivergedError(
                f"the loss is {loss:.3g}, over a hundred times that of equal "
                f"scores for all classes, at step {batch + 1}"
            )


class Warnings(keras.callbacks.Callback):
    """Report what `warnings` finds, each sentence once.

    `history` is that of the finished epochs, without the present one.
    """

    def __init__(self, history: list[dict], report: Callable[[str], None]):
        super().__init__()
        self.history, self.report, self.said = history, report, set()

    def on_epoch_end(self, epoch, logs=None):
        """Report what is new; only an exit that takes all is told early."""
        rows = [*self.history, logs]
        exits, may_leave = leaving(self.model)
        found = greedy_exits(rows, exits) if may_leave else []
        if epoch + 1 == self.params["epochs"]:
            found = warnings(rows, exits, may_leave)
        for sentence in found:
            if sentence not in self.said:
                self.report(f"warning: {sentence}")
        self.said |= set(found)


def leaving(model: keras.Model) -> tuple[int, bool]:
    """Number of exits, and whether examples may leave before the last."""
    exits = len(model.output_names)
    return exits, exits > 1 and np.isfinite(model.objective.train_threshold)


def warnings(history: list[dict], exits: int, may_leave: bool) -> list[str]:
    """Sentences about a finished training that went wrong quietly.

    Takes the logs of every epoch, and what `leaving` says of the model.
    """
    if not history:
        return []
    found = []
    if may_leave:
        found = greedy_exits(history, exits) or _shares(history[-1], exits)
    never = history[-1].get(NEVER_PREDICTED, 0)
    if never:
        found.append(
            f"{never:.0f} of the classes with validation images were never "
            "predicted there in the last epoch; train longer, or give rare "
            "classes more weight (--exit_loss=balanced_softmax, or "
            "--class_weighting with another loss)"
        )
    return found


def greedy_exits(history: list[dict], exits: int) -> list[str]:
    """Sentences about exits that took everything from the first epoch on."""
    return [
        f"exit {number} took over {100 * ALL_LEAVE:.0f} % of the training "
        "images from the first epoch on: the exits after it hardly learn; "
        "raise --train_threshold"
        for number in range(1, exits)
        if all(row[f"exit_{number}_share"] > ALL_LEAVE for row in history)
    ]


def _shares(logs, exits):
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
    return [
        f"no image took exit {number} in the last epoch: it only adds cost; "
        "leave it out of --exits, or lower --train_threshold"
        for number in range(1, exits)
        if not logs[f"exit_{number}_share"]
    ]
