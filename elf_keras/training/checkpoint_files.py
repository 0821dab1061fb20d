"""The files of one checkpoint: weights, and a record that names them."""

import hashlib
import json
import pathlib

import keras
import numpy as np

from elf_keras import runs
from elf_keras.errors import InputError

FORMAT = 2


def write_weights(path: pathlib.Path, model: keras.Model) -> dict:
    """Write a model's weights, and what its optimizer holds, if it has one.

    Returns:
      The file's name and checksum, as a record names it.
    """
    with runs.replacing(path, size=size(model)) as temporary:
        model.save_weights(temporary)
        digest = runs.checksum(temporary)
    return {"file": path.name, "sha256": digest}


def seeds(model: keras.Model) -> list[list[int]]:
    """Where the random streams of layers such as Dropout are.

    Keras keeps them out of a file of weights.
    """
    return [np.array(state).tolist() for state in _seed_states(model)]


def set_seeds(model: keras.Model, found: list[list[int]]) -> None:
    """Go on where `seeds` was; runs of before have recorded none."""
    for state, value in zip(_seed_states(model), found, strict=False):
        state.assign(np.array(value, state.dtype))


def _seed_states(model):
    named = "seed_generator_state"
    return [state for state in model.variables if state.name == named]


def size(model: keras.Model) -> int:
    """Return bytes that suffice for a file of weights and optimizer."""
    optimizer = getattr(model, "optimizer", None)
    variables = [*model.variables, *(optimizer.variables if optimizer else ())]
    bytes_held = sum(4 * int(np.prod(v.shape)) for v in variables)
    # HDF5 keeps a header of some kilobytes for every variable.
    return bytes_held + 4096 * len(variables) + 2**16


def check(folder: pathlib.Path, saved: dict) -> None:
    """Raise `InputError` where a file that was written is not what it was."""
    path = folder / saved["file"]
    if not path.is_file():
        raise InputError(f"{path.name} is missing")
    if runs.checksum(path) != saved["sha256"]:
        raise InputError(f"{path.name} does not match its checksum")


def parts(record: dict) -> list[dict]:
    """Return what names the files of a checkpoint, but for the best epoch's."""
    # Runs of before have no average.
    return [part for part in (record["weights"], record.get("average")) if part]


def write_record(path: pathlib.Path, facts: dict) -> None:
    """Write a record, with a checksum of itself."""
    record = runs.plain({"format": FORMAT, **facts})
    runs.write_json(path, record | {"checksum": record_checksum(record)})


def sound_record(path: pathlib.Path) -> dict:
    """Read a record; raises `InputError` where it is not what was written."""
    record = runs.read_json(path)
    if record.get("checksum") != record_checksum(record):
        raise InputError(f"{path.name} does not match its checksum")
    if record.get("format") != FORMAT:
        raise InputError(f"{path.name} was written by an older version")
    return record


def record_checksum(record: dict) -> str:
    """SHA-256 of all of a record but its own checksum."""
    rest = {key: record[key] for key in record if key != "checksum"}
    text = json.dumps(rest, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()
