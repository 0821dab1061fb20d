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

OLD = pathlib.Path(__file__).resolve().parents[1] / "old_run" / "old_run.zip"


def extract(folder: pathlib.Path) -> pathlib.Path:
    """Put `finished` and `unfinished` into a folder, and return it."""
    with zipfile.ZipFile(OLD) as file:
        file.extractall(folder)
    return folder


@functools.cache
def finished() -> pathlib.Path:
    """The finished run, once a process: a training less."""
    return extract(pathlib.Path(_temporary().name)) / "finished"


@functools.cache
def _temporary():
    return tempfile.TemporaryDirectory(prefix="old_run")
