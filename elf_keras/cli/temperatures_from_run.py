"""Temperatures that calibrate a run's probabilities, from its own files."""

import dataclasses
import pathlib

import numpy as np

from elf_keras import runs
from elf_keras.cli import command, thresholds_from_flags
from elf_keras.exits import answer_rule, certainty
from elf_keras.exits.answer_rule import AnswerRule
from elf_keras.policies import policy_file


def of_run(folder: pathlib.Path, rule: AnswerRule, exits: int) -> np.ndarray:
    """T of each exit, `(exits,)`, as validation wanted them.

    They are of what exits answer by, whatever is compared with s: of the run's
    policies where those answer alike, else of its training, else of another
    run's --policy_file. Where none does, T = 1/σ as trained, and a note says
    so.
    """
    for record in _records(folder):
        found = record.get("temperatures")
        if found and len(found) == exits and _answers_alike(record, rule):
            return np.array(found, float)
    command.say(
        f"note: probabilities are not calibrated: {folder} has no temperatures "
        f"for --answer={rule.answer}; run elf-keras sweep to choose them"
    )
    return np.full(exits, 1 / rule.scale)


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
