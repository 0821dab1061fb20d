"""What happens at the edges of epochs, each a function of the epoch alone."""

import sys
import time
from collections.abc import Callable

import keras
import numpy as np

from elf_keras.data import splits
from elf_keras.evaluation import metrics, prediction
from elf_keras.evaluation.scorer import Scorer
from elf_keras.exits import exit_rule
from elf_keras.training import watchdogs


class EpochValue(keras.callbacks.Callback):
    """Set a variable to a function of the zero-based epoch alone.

    A resumed run has the right value at once, and nothing is recompiled.
    """

    def __init__(self, variable, value: Callable[[int], float | np.ndarray]):
        super().__init__()
        self.variable = variable
        self.value = value

    def on_epoch_begin(self, epoch, logs=None):
        """Assign the epoch's value."""
        self.variable.assign(self.value(epoch))


class StepRate(keras.callbacks.Callback):
    """Set the learning rate to a function of the epoch at each step's middle.

    `rate` takes the zero-based epoch and the part of it that is done. The
    logs of an epoch have the rate of its last step.
    """

    def __init__(self, rate: Callable[[float], float], steps_per_epoch: int):
        super().__init__()
        self.rate, self.steps = rate, steps_per_epoch
        self.epoch, self.last = 0, None

    def on_epoch_begin(self, epoch, logs=None):
        """Know the epoch."""
        self.epoch = epoch

    def on_train_batch_begin(self, batch, logs=None):
        """Assign the step's rate, where it is another one."""
        rate = float(self.rate(self.epoch + (batch + 0.5) / self.steps))
        if rate != self.last:
            self.model.optimizer.learning_rate = rate
            self.last = rate

    def on_epoch_end(self, epoch, logs=None):
        """Log the rate."""
        logs["learning_rate"] = self.last


class ValidationScores(keras.callbacks.Callback):
    """Add each exit's validation accuracy, a mean over classes, to the logs.

    `validation_accuracy` is that of what answers: the last exit, by its own
    logits or their running sum, or the sum that was trained. The scorer says
    which, and weighs the classes. `validation_many_accuracy`, `_medium_` and
    `_few_` are its means over the classes of a shot group, where that has
    validation images. `scored` is what is scored, where it is not the model
    that is trained.
    """

    def __init__(
        self,
        validation: splits.Examples,
        scorer: Scorer,
        scored: keras.Model | None = None,
    ):
        super().__init__()
        self.validation = validation
        self.rule, self.scored = scorer.rule, scored
        self.classes, self.shot_groups = scorer.classes, scorer.shot_groups
        self.weights = scorer.weights(validation.labels)

    def on_epoch_end(self, epoch, logs=None):
        """Score the epoch, part by part: all logits might not fit."""
        scored = self.scored or self.model
        parts = prediction.logit_parts(scored, self.validation)
        classes = np.concatenate([self._classes(part) for part in parts])
        correct = classes == self.validation.labels[:, None]
        *exits, whole = self.weights @ correct
        for number, value in enumerate(exits, start=1):
            logs[f"validation_exit_{number}_accuracy"] = float(value)
        logs["validation_accuracy"] = float(whole)
        logs.update(self._by_shot_group(classes[:, -1]))
        never = np.setdiff1d(self.validation.labels, classes[:, -1])
        logs[watchdogs.NEVER_PREDICTED] = float(len(never))

    def _by_shot_group(self, predicted):
        """Accuracies of the groups that can be scored, by their log."""
        per_class = metrics.per_class_accuracy(
            predicted, self.validation.labels, classes=self.classes
        )
        found = metrics.group_accuracy(per_class, self.shot_groups)
        return {
            f"validation_{name}_accuracy": value
            for name, value in found.items()
            if value is not None
        }

    def _classes(self, logits):
        """Each exit's class, then the whole model's."""
        exits = self.rule.answered(logits).argmax(-1)
        whole = exits[:, -1]
        if self.rule.exit_weights is not None:
            total = exit_rule.sum_of_exits(logits, self.rule.exit_weights)
            whole = total.argmax(-1)
        return np.concatenate([exits, whole[:, None]], axis=1)


class EpochClock(keras.callbacks.Callback):
    """Log the seconds of each epoch, of so many examples, and its speed."""

    def __init__(self, examples: int):
        super().__init__()
        self.examples = examples
        self.start, self.end = 0.0, None

    def elapsed(self) -> float:
        """Seconds since the start, until the epoch's last step."""
        now = time.perf_counter() if self.end is None else self.end
        return now - self.start

    def on_epoch_begin(self, epoch, logs=None):
        """Start the clock."""
        self.start, self.end = time.perf_counter(), None

    def on_epoch_end(self, epoch, logs=None):
        """Log seconds without validation: put this callback before it."""
        self.end = time.perf_counter()
        logs["seconds"] = self.elapsed()
        logs["images_per_second"] = self.examples / logs["seconds"]


class EpochLines(keras.callbacks.Callback):
    """Print one line for each epoch that has ended."""

    def on_epoch_end(self, epoch, logs=None):
        """Print epoch, loss, rate, exits' accuracy and shares."""
        exits = len(self.model.output_names)
        shares = [logs[f"exit_{k}_share"] for k in range(1, exits + 1)]
        line = (
            f"epoch {epoch + 1}/{self.params['epochs']}"
            f"  loss {logs['loss']:.3f}"
            f"  rate {logs['learning_rate']:.4g}"
            f"  train {logs[f'exit_{exits}_accuracy']:.3f}"
        )
        if "validation_accuracy" in logs:
            line += f"  validation {logs['validation_accuracy']:.3f}"
        line += "  leaving " + " ".join(f"{share:.2f}" for share in shares)
        print(line, f" {logs['seconds']:.1f} s", file=sys.stderr, flush=True)
