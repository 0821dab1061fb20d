"""Checkpoints of a run: the two latest and the best epoch, checksummed.

`checkpoints/epoch_0007_step_000120.json` is written last and makes one: seven
epochs are done and 120 steps of the next. It names the weight files with their
checksums, and the history; an average of the weights is a file of its own. A
damaged one is passed over for the one before.
"""

import contextlib
import pathlib

import keras

from elf_keras import runs
from elf_keras.distribution import replicas
from elf_keras.errors import InputError
from elf_keras.runs import preemption
from elf_keras.training import checkpoint_files, watchdogs

KEPT = 2


class Checkpoints(keras.callbacks.Callback):
    """Save weights and optimizer, after every epoch and when asked to.

    Args:
      monitor: log to choose the best epoch by, the largest, or None.
      averaged: model with an average of the weights, which is kept, too, and
        whose best epoch is meant; None for none.

    Attributes:
      place: where to go on: epochs done, and steps done in the next one.
      seconds: that those steps took.
      history: one dict of logs per finished epoch.
      best: `{"epoch", "score", "file", "sha256"}`, or None.
      notes: what else is kept in every checkpoint, as JSON takes it.
    """

    def __init__(
        self,
        folder: pathlib.Path,
        *,
        monitor: str | None = None,
        averaged: keras.Model | None = None,
    ):
        super().__init__()
        self.folder = folder
        self.monitor, self.averaged = monitor, averaged
        self.place, self.seconds = (0, 0), 0.0
        self.history = []
        self.best = None
        self.notes = {}
        self._saved, self._average = None, None
        self._metrics, self._damaged = [], set()

    def restore(self, model: keras.Model) -> list[str]:
        """Load the newest sound checkpoint, if there is one, into a model.

        Its optimizer must be built. Returns a sentence on each checkpoint
        that was passed over; raises `InputError` where none of them is sound.
        """
        self.set_model(model)
        problems = []
        records = self.folder.glob("epoch_*.json")
        for path in sorted(records, key=runs.numbers, reverse=True):
            try:
                record = checkpoint_files.sound_record(path)
                for part in checkpoint_files.parts(record):
                    checkpoint_files.check(self.folder, part)
            except InputError as error:
                problems.append(f"checkpoint {path.stem} is damaged: {error}")
                self._damaged.add(path)
                continue
            self._take(record, problems)
            return problems
        if problems:
            raise InputError(
                f"{self.folder}: no sound checkpoint is left "
                f"({'; '.join(problems)}); train again in a new --workdir"
            )
        return problems

    def restore_metrics(self, model: keras.Model) -> None:
        """Set the metrics of a begun epoch to what they were at `place`."""
        pairs = zip(model.metrics_variables, self._metrics, strict=True)
        with model.distribute_strategy.scope():
            for variable, values in pairs:
                replicas.set_local_values(variable, values)

    def load_best(self, model: keras.Model) -> int:
        """Load the best epoch's weights; return its number, from 0.

        Raises `InputError` where its file was damaged since.
        """
        try:
            checkpoint_files.check(self.folder, self.best)
        except InputError as error:
            raise InputError(
                f"{self.folder}: the best epoch cannot be scored: {error}; "
                "run again with --resume, where the last epoch takes its place"
            ) from error
        model.load_weights(self.folder / self.best["file"])
        return self.best["epoch"]

    def on_epoch_end(self, epoch, logs=None):
        """Record the logs, then save the epoch, perhaps as the best so far.

        Raises `DivergedError` where its last step spoiled the weights.
        """
        watchdogs.check_weights(self.model)
        logs = {key: float(value) for key, value in (logs or {}).items()}
        score, best = logs.get(self.monitor), None
        # A later epoch wins a tie: it has seen more of the schedule.
        if score is not None and (not self.best or score >= self.best["score"]):
            best = {"epoch": epoch, "score": score}
        with preemption.held():
            self.history.append({"epoch": epoch + 1, **logs})
            self.save(epoch + 1, best=best)

    def save(
        self,
        epochs: int,
        steps: int = 0,
        seconds: float = 0.0,
        *,
        best: dict | None = None,
    ) -> None:
        """Make what the model holds the newest checkpoint.

        `steps` are those done in the next epoch, in so many `seconds`; `best`
        is `{"epoch", "score"}` where no epoch was better. Raises
        `DivergedError` for weights that nothing can go on from.
        """
        watchdogs.check_weights(self.model)
        with preemption.held():
            name = _name(epochs, steps)
            self._damaged.discard(self.folder / f"{name}.json")
            self._saved = checkpoint_files.write_weights(
                self.folder / f"{name}.weights.h5", self.model
            )
            if self.averaged:
                self._average = checkpoint_files.write_weights(
                    self.folder / f"{name}.average.weights.h5", self.averaged
                )
            if best:
                self.best = best | (self._average or self._saved)
            self.place, self.seconds = (epochs, steps), seconds
            held = self.model.metrics_variables if steps else []
            with self.model.distribute_strategy.scope():
                self._metrics = [replicas.local_values(each) for each in held]
            self.write_record()
            self._clear()

    def write_record(self) -> None:
        """Write the newest checkpoint's record, with the notes as they are."""
        checkpoint_files.write_record(
            self.folder / f"{_name(*self.place)}.json",
            {
                "epochs": self.place[0],
                "steps": self.place[1],
                "seconds": self.seconds,
                "weights": self._saved,
                "average": self._average,
                "metrics": self._metrics,
                "seeds": checkpoint_files.seeds(self.model),
                "best": self.best,
                "history": self.history,
                "notes": self.notes,
            },
        )

    def _take(self, record, problems):
        """Load a sound checkpoint; a damaged best epoch is forgotten."""
        self._saved, self._metrics = record["weights"], record["metrics"]
        self.model.load_weights(self.folder / self._saved["file"])
        checkpoint_files.set_seeds(self.model, record.get("seeds", []))
        # Runs of before have none.
        self._average = record.get("average")
        if self.averaged:
            self.averaged.load_weights(self.folder / self._average["file"])
        self.place = (record["epochs"], record["steps"])
        self.seconds, self.history = record["seconds"], record["history"]
        self.notes, self.best = record["notes"], record["best"]
        try:
            if self.best:
                checkpoint_files.check(self.folder, self.best)
        except InputError as error:
            problems.append(f"the best epoch is forgotten: {error}")
            self.best = None

    def _clear(self):
        """Delete what no kept checkpoint names, and what a kill left.

        A damaged one counts for nothing: kept, it would push a sound one out.
        """
        found = {*self.folder.glob("epoch_*.json")} - self._damaged
        kept = set()
        for path in sorted(found, key=runs.numbers)[-KEPT:]:
            kept.add(path.name)
            with contextlib.suppress(InputError):
                record = checkpoint_files.sound_record(path)
                parts = checkpoint_files.parts(record)
                best = record["best"] or {"file": None}
                kept |= {part["file"] for part in [*parts, best]}
        for form in ("epoch_*", f"{runs.WRITING}*"):
            for file in self.folder.glob(form):
                if file.name not in kept:
                    file.unlink()


def _name(epochs, steps):
    return f"epoch_{epochs:04d}_step_{steps:06d}"


def shown(place: tuple[int, int]) -> str:
    """Tell a place: epochs done, and steps done in the next one."""
    epochs, steps = place
    within = f" and {steps} steps" if steps else ""
    return f"epoch {epochs}{within}"
