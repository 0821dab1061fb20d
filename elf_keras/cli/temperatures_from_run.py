"""Temperatures that calibrate a run's probabilities, from its own files."""

import dataclasses
import pathlib

import numpy as np

from elf_keras import runs
from elf_keras.cli import command, thresholds_from_flags
from elf_keras.exits import answer_rule, certainty
from elf_keras.policies import policy_file


def of_run(
    folder: pathlib.Path, leaving: thresholds_from_flags.Leaving, exits: int
) -> np.ndarray:
    """T of each exit, `(exits,)`, or of the bare backbone, `(1,)`.

    As validation wanted them. They are of what exits answer by, whatever is
    compared with s: of the run's policies where those answer alike, else of its
    training, else of another run's --policy_file. Where none does, T = 1/σ as
    trained, and a note says so.
    """
    for record in _records(folder):
        if found := _fitting(record, leaving, exits):
            return np.array(found, float)
    of_whom = "the bare backbone"
    if not leaving.is_static:
        of_whom = f"--answer={leaving.rule.answer}"
    command.say(
        f"note: probabilities are not calibrated: {folder} has no temperatures "
        f"for {of_whom}; run elf-keras sweep to choose them"
    )
    return np.full(1 if leaving.is_static else exits, 1 / leaving.rule.scale)


def _fitting(record, leaving, exits):
    """Temperatures of a record that fit, else None."""
    found = record.get("temperatures") or []
    if len(found) != exits:
        return None
    if leaving.is_static and (alone := record.get("static_temperature")):
        return [alone]
    if not _answers_alike(record, leaving.rule):
        return None
    return found[-1:] if leaving.is_static else found


def _records(folder):
    own, named = folder / policy_file.NAME, thresholds_from_flags.file()
    if own.exists():
        yield policy_file.read(own)
    if (folder / runs.METRICS).exists():
        scores = runs.read_json(folder / runs.METRICS)
        with runs.refusing(
            f"{folder / runs.METRICS} is damaged", "restore it, or delete it"
        ):
            scored = scores.get("validation") or {}
            part = scored.get("best") or scored.get("last") or {}
            yield {**part.get("dynamic", {}), **part}
    if named != own and named.exists():
        yield policy_file.read(named)


def _answers_alike(record, rule):
    theirs = answer_rule.of_record(record)
    own = dataclasses.replace(rule, exit_rule=certainty.CONFIDENCE)
    return own.leaves_as(
        dataclasses.replace(theirs, exit_rule=certainty.CONFIDENCE)
    )
