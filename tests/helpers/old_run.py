"""Two runs written before the packages: one finished, one killed.

old_run.zip was written at commit 7277804 by
`python -m elf_keras.train --dataset=digits_lt --backbone=resnet8 --exits=1
--exit_head=separable --imbalance=20 --batch_size=64 --validation_fraction=0.2
--deterministic --epochs=4`, followed by `evaluate`; the second folder was
killed after two epochs.
"""

import functools
import pathlib
import tempfile
import zipfile

import command_runs

from elf_keras import runs

OLD = pathlib.Path(__file__).resolve().parents[1] / "old_run" / "old_run.zip"
# All that it is exported to in tests of exports.
FORMATS = "saved_model,float32,int8,single_file,onnx,onnx_int8"


def extract(folder: pathlib.Path) -> pathlib.Path:
    """Put `finished` and `unfinished` into a folder, and return it."""
    with zipfile.ZipFile(OLD) as file:
        file.extractall(folder)
    return folder


@functools.cache
def finished() -> pathlib.Path:
    """The finished run, once a process: a training less."""
    return extract(pathlib.Path(_temporary().name)) / "finished"


def evaluated(*words):
    """Scores by split, as the command leaves them."""
    folder = finished()
    command_runs.done("evaluate", f"--workdir={folder}", *words)
    splits = runs.read_json(folder / "evaluation.json")["splits"]
    return {name: found["model"] for name, found in splits.items()}


def refused(name, export, *words, says):
    """A command about an export of the run ends in one line."""
    run = f"--workdir={finished()}"
    command_runs.refused(name, run, f"--export={export}", *words, says=says)


@functools.cache
def _temporary():
    return tempfile.TemporaryDirectory(prefix="old_run")
