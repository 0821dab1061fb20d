"""Checkpoints of a run: two latest epochs and the best one, checksummed.

`checkpoints/epoch_0007.json` is written last and makes epoch 7 a checkpoint:
it names the weight files, their checksums, and the history so far. A file
that fails its checksum is passed over for the checkpoint before it.
"""

import contextlib
import hashlib
import json
import pathlib

import keras
import numpy as np

from elf_keras import runs
from elf_keras.errors import InputError

KEPT = 2


class Checkpoints(keras.callbacks.Callback):
    """Save weights and optimizer state after every epoch.

    Args:
      folder: where the checkpoints go.
      monitor: log to choose the best epoch by, larger is better; None where
        there is nothing to choose by.

    Attributes:
      history: one dict of logs per finished epoch.
      best: `{"epoch", "score", "file", "sha256"}`, or None.
    """

    def __init__(self, folder: pathlib.Path, *, monitor: str | None = None):
        super().__init__()
        self.folder = folder
        self.monitor = monitor
        self.history = []
        self.best = None
        self.last_epoch = None

    def restore(self, model: keras.Model) -> tuple[int, list[str]]:
        """Load the newest sound checkpoint into a compiled model.

        Args:
          model: with a built optimizer; unchanged where nothing is found.

        Returns:
          The epoch to go on with, and a sentence on each checkpoint that
          was passed over.

        Raises:
          InputError: where there are checkpoints and none is sound.
        """
        problems = []
        for path in sorted(self.folder.glob("epoch_*.json"), reverse=True):
            try:
                record = _sound_record(path)
                _check(self.folder, record)
            except InputError as error:
                problems.append(f"checkpoint {path.stem} is damaged: {error}")
                continue
            model.load_weights(self.folder / record["file"])
            self.history = record["history"]
            self.last_epoch = record["epoch"]
            self.best = self._sound_best(record["best"], problems)
            return record["epoch"] + 1, problems
        if problems:
            raise InputError(
                f"{self.folder}: no sound checkpoint is left "
                f"({'; '.join(problems)}); train again in a new --workdir"
            )
        return 0, problems

    def load_best(self, model: keras.Model) -> int:
        """Load the best epoch's weights and return its index, from 0."""
        _check(self.folder, self.best)
        model.load_weights(self.folder / self.best["file"])
        return self.best["epoch"]

    def on_epoch_end(self, epoch, logs=None):
        """Record the logs, save the epoch, and the best one apart."""
        logs = {key: float(value) for key, value in (logs or {}).items()}
        self.history.append({"epoch": epoch + 1, **logs})
        if self._improves(logs):
            self.best = {
                "epoch": epoch,
                "score": logs[self.monitor],
                **self._save(f"best_{epoch:04d}.weights.h5"),
            }
        saved = self._save(f"epoch_{epoch:04d}.weights.h5")
        record = runs.plain(
            {
                "epoch": epoch,
                **saved,
                "best": self.best,
                "history": self.history,
            }
        )
        record["checksum"] = _record_checksum(record)
        runs.write_json(self.folder / f"epoch_{epoch:04d}.json", record)
        self.last_epoch = epoch
        self._clear()

    def _improves(self, logs):
        # A later epoch wins a tie: it has seen more of the schedule.
        return self.monitor in logs and (
            self.best is None or logs[self.monitor] >= self.best["score"]
        )

    def _sound_best(self, best, problems):
        """The best epoch, or none where its weights are damaged."""
        try:
            _check(self.folder, best)
        except InputError as error:
            problems.append(f"the best epoch is forgotten: {error}")
            return None
        return best

    def _save(self, name):
        size = file_size(self.model)
        with runs.replacing(self.folder / name, size=size) as temporary:
            self.model.save_weights(temporary)
            digest = runs.checksum(temporary)
        return {"file": name, "sha256": digest}

    def _clear(self):
        """Delete what no kept checkpoint names, and what a kill left."""
        records = sorted(self.folder.glob("epoch_*.json"))
        for record in records[:-KEPT]:
            record.unlink()
        kept = {path.name for path in records[-KEPT:]}
        for path in records[-KEPT:]:
            with contextlib.suppress(InputError):
                record = _sound_record(path)
                kept |= {record["file"], (record["best"] or {}).get("file")}
        for file in self.folder.iterdir():
            if file.name not in kept:
                file.unlink()


def file_size(model: keras.Model) -> int:
    """Return bytes that suffice for a file of weights and optimizer."""
    variables = [*model.variables, *model.optimizer.variables]
    bytes_held = sum(4 * int(np.prod(v.shape)) for v in variables)
    # HDF5 keeps a header of some kilobytes for every variable.
    return bytes_held + 4096 * len(variables) + 2**16


def _sound_record(path):
    record = runs.read_json(path)
    given = record.get("checksum") if isinstance(record, dict) else None
    if given is None or given != _record_checksum(record):
        raise InputError(f"{path.name} does not match its checksum")
    return record


def _record_checksum(record):
    """SHA-256 of all the rest of the record."""
    rest = {key: record[key] for key in record if key != "checksum"}
    text = json.dumps(rest, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def _check(folder, record):
    if record is None:
        return
    path = folder / record["file"]
    if not path.is_file():
        raise InputError(f"{path.name} is missing")
    if runs.checksum(path) != record["sha256"]:
        raise InputError(f"{path.name} does not match its checksum")
