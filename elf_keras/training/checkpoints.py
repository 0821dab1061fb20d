"""Checkpoints of a run: the two latest and the best epoch, checksummed.

`checkpoints/epoch_0007_step_000120.json` is written last and makes one: seven
epochs are done and 120 steps of the next. It names the weight files with their
checksums, and the history. A damaged one is passed over for the one before.
"""

import contextlib
import hashlib
import json
import pathlib

import keras
import numpy as np

from elf_keras import runs
from elf_keras.distribution import replicas
from elf_keras.errors import InputError
from elf_keras.runs import preemption
from elf_keras.training import watchdogs

KEPT = 2
FORMAT = 2


class Checkpoints(keras.callbacks.Callback):
    """Save weights and optimizer, after every epoch and when asked to.

    Args:
      monitor: log to choose the best epoch by, the largest, or None.

    Attributes:
      place: where to go on: epochs done, and steps done in the next one.
      seconds: that those steps took.
      history: one dict of logs per finished epoch.
      best: `{"epoch", "score", "file", "sha256"}`, or None.
      notes: what else is kept in every checkpoint, as JSON takes it.
    """

    def __init__(self, folder: pathlib.Path, *, monitor: str | None = None):
        super().__init__()
        self.folder = folder
        self.monitor = monitor
        self.place, self.seconds = (0, 0), 0.0
        self.history = []
        self.best = None
        self.notes = {}
        self._saved, self._metrics, self._damaged = None, [], set()

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
                record = _sound_record(path)
                self._check(record["weights"])
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
            self._check(self.best)
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
            path = self.folder / f"{name}.weights.h5"
            size = file_size(self.model)
            with runs.replacing(path, size=size) as temporary:
                self.model.save_weights(temporary)
                digest = runs.checksum(temporary)
            self._saved = {"file": path.name, "sha256": digest}
            if best:
                self.best = best | self._saved
            self.place, self.seconds = (epochs, steps), seconds
            held = self.model.metrics_variables if steps else []
            with self.model.distribute_strategy.scope():
                self._metrics = [replicas.local_values(each) for each in held]
            self.write_record()
            self._clear()

    def write_record(self) -> None:
        """Write the newest checkpoint's record, with the notes as they are."""
        record = runs.plain(
            {
                "format": FORMAT,
                "epochs": self.place[0],
                "steps": self.place[1],
                "seconds": self.seconds,
                "weights": self._saved,
                "metrics": self._metrics,
                "best": self.best,
                "history": self.history,
                "notes": self.notes,
            }
        )
        record["checksum"] = _record_checksum(record)
        runs.write_json(self.folder / f"{_name(*self.place)}.json", record)

    def _take(self, record, problems):
        """Load a sound checkpoint; a damaged best epoch is forgotten."""
        self._saved, self._metrics = record["weights"], record["metrics"]
        self.model.load_weights(self.folder / self._saved["file"])
        self.place = (record["epochs"], record["steps"])
        self.seconds, self.history = record["seconds"], record["history"]
        self.notes, self.best = record["notes"], record["best"]
        try:
            if self.best:
                self._check(self.best)
        except InputError as error:
            problems.append(f"the best epoch is forgotten: {error}")
            self.best = None

    def _check(self, saved):
        path = self.folder / saved["file"]
        if not path.is_file():
            raise InputError(f"{path.name} is missing")
        if runs.checksum(path) != saved["sha256"]:
            raise InputError(f"{path.name} does not match its checksum")

    def _clear(self):
        """Delete what no kept checkpoint names, and what a kill left.

        A damaged one counts for nothing: kept, it would push a sound one out.
        """
        found = {*self.folder.glob("epoch_*.json")} - self._damaged
        kept = set()
        for path in sorted(found, key=runs.numbers)[-KEPT:]:
            kept.add(path.name)
            with contextlib.suppress(InputError):
                record = _sound_record(path)
                best = record["best"] or {}
                kept |= {record["weights"]["file"], best.get("file")}
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


def file_size(model: keras.Model) -> int:
    """Return bytes that suffice for a file of weights and optimizer."""
    variables = [*model.variables, *model.optimizer.variables]
    bytes_held = sum(4 * int(np.prod(v.shape)) for v in variables)
    # HDF5 keeps a header of some kilobytes for every variable.
    return bytes_held + 4096 * len(variables) + 2**16


def _sound_record(path):
    record = runs.read_json(path)
    if record.get("checksum") != _record_checksum(record):
        raise InputError(f"{path.name} does not match its checksum")
    if record.get("format") != FORMAT:
        raise InputError(f"{path.name} was written by an older version")
    return record


def _record_checksum(record):
    """SHA-256 of all the rest of the record."""
    rest = {key: record[key] for key in record if key != "checksum"}
    text = json.dumps(rest, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()
