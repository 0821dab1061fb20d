"""Checkpoints of a run: two latest epochs and the best one, checksummed.

`checkpoints/epoch_0007.json` is written last and makes epoch 7 a checkpoint:
it names the weight files, their checksums, and the history so far. A file
that fails its checksum is passed over for the checkpoint before it.
"""

import pathlib

import keras

from elf_keras import runs
from elf_keras.errors import InputError

KEPT = 2


class Checkpoints(keras.callbacks.Callback):
    """Save weights and optimizer state after every epoch.

    Args:
      folder: where the checkpoints go.
      monitor: log to choose the best epoch by, larger is better; None where
        there is nothing to choose by.
      every: epochs between checkpoints, ≥ 1; the last epoch always counts.

    Attributes:
      history: one dict of logs per finished epoch.
      best: `{"epoch", "score", "file", "sha256"}`, or None.
    """

    def __init__(
        self,
        folder: pathlib.Path,
        *,
        monitor: str | None = None,
        every: int = 1,
    ):
        super().__init__()
        self.folder = folder
        self.monitor = monitor
        self.every = every
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
                record = runs.read_json(path)
                _check(self.folder, record, record["best"])
            except (InputError, KeyError, TypeError) as error:
                problems.append(f"checkpoint {path.stem} is damaged: {error}")
                continue
            model.load_weights(self.folder / record["file"])
            self.history = record["history"]
            self.best = record["best"]
            self.last_epoch = record["epoch"]
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
        """Record the logs; save where the epoch is due or the best."""
        logs = {key: float(value) for key, value in (logs or {}).items()}
        self.history.append({"epoch": epoch + 1, **logs})
        if self._improves(logs):
            self.best = {
                "epoch": epoch,
                "score": logs[self.monitor],
                **self._save(f"best_{epoch:04d}.weights.h5"),
            }
        last = epoch + 1 == self.params["epochs"]
        if not last and (epoch + 1) % self.every:
            return
        saved = self._save(f"epoch_{epoch:04d}.weights.h5")
        runs.write_json(
            self.folder / f"epoch_{epoch:04d}.json",
            {
                "epoch": epoch,
                **saved,
                "best": self.best,
                "history": self.history,
            },
        )
        self.last_epoch = epoch
        self._clear()

    def _improves(self, logs):
        # A later epoch wins a tie: it has seen more of the schedule.
        return self.monitor in logs and (
            self.best is None or logs[self.monitor] >= self.best["score"]
        )

    def _save(self, name):
        with runs.replacing(self.folder / name) as temporary:
            self.model.save_weights(temporary)
            digest = runs.checksum(temporary)
        return {"file": name, "sha256": digest}

    def _clear(self):
        """Delete what no kept checkpoint names."""
        records = sorted(self.folder.glob("epoch_*.json"))
        for record in records[:-KEPT]:
            record.unlink()
        kept = set()
        for path in records[-KEPT:]:
            try:
                record = runs.read_json(path)
            except InputError:
                continue
            best = record["best"] or {}
            kept |= {record["file"], best.get("file")}
        for file in self.folder.glob("*.weights.h5"):
            if file.name not in kept and not file.name.startswith("."):
                file.unlink()


def _check(folder, *records):
    for record in records:
        if record is None:
            continue
        path = folder / record["file"]
        if not path.is_file():
            raise InputError(f"{path.name} is missing")
        if runs.checksum(path) != record["sha256"]:
            raise InputError(f"{path.name} does not match its checksum")
