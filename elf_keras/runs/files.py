"""Files that are whole or not there: text, JSON, CSV.

Every file is written under a temporary name and renamed, so that a reader
or a crash never meets half of one.
"""

import contextlib
import csv
import hashlib
import io
import itertools
import json
import math
import os
import pathlib
import re
import tempfile
from collections.abc import Callable, Iterator, Sequence

from elf_keras.errors import InputError, UnknownRuleError

# Prefix of files that are not whole yet.
WRITING = ".writing-"


@contextlib.contextmanager
def replacing(path: pathlib.Path, *, size: int = 0) -> Iterator[pathlib.Path]:
    """Give a temporary path beside `path`, renamed to it on success.

    Args:
      size: bytes that must be free; HDF5 crashes on a disk that fills up.

    Raises:
      OSError: where the disk, a quota or a limit has no room.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(
        dir=path.parent, prefix=WRITING, suffix="".join(path.suffixes[-2:])
    )
    temporary = pathlib.Path(name)
    try:
        _reserve(handle, size, path)
        yield temporary
        temporary.chmod(0o644)
        # On the disk before it has its name: a power cut leaves old or new.
        _flush(temporary, os.O_RDWR)
        temporary.replace(path)
        # Some network file systems cannot; the file itself is whole.
        with contextlib.suppress(OSError):
            _flush(path.parent, os.O_RDONLY)
    finally:
        temporary.unlink(missing_ok=True)


def plain(value):
    """Return what JSON can hold: NaN becomes None, arrays become lists."""
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    # An array or a number of NumPy, which `--help` has no need to load.
    if hasattr(value, "tolist"):
        return plain(value.tolist())
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def write_text(path: pathlib.Path, text: str) -> None:
    """Write a text file in one step; what is no text is escaped in it."""
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8", errors="backslashreplace")


def write_json(path: pathlib.Path, record: dict) -> None:
    """Write a record as JSON; NaN becomes null, arrays become lists."""
    write_text(path, json.dumps(plain(record), indent=1) + "\n")


def write_csv(path: pathlib.Path, rows: Sequence[dict]) -> None:
    """Write rows as CSV, with a header; `nan` is what a row has no value of."""
    text = io.StringIO()
    names = [*dict.fromkeys(itertools.chain(*rows))]
    writer = csv.DictWriter(text, names, restval="nan", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    write_text(path, text.getvalue())


def read_json(path: pathlib.Path) -> dict:
    """Read a record.

    Raises:
      InputError: where the file is missing or damaged.
    """
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(record, dict):
            raise ValueError(f"it holds a {type(record).__name__}")
        return record
    except FileNotFoundError as error:
        raise InputError(
            f"{path} does not exist; is {path.parent} the --workdir of a "
            "finished run?"
        ) from error
    except (ValueError, OSError, RecursionError) as error:
        raise InputError(
            f"{path} cannot be read ({error}); restore it or train again"
        ) from error


@contextlib.contextmanager
def refusing(
    what: str, remedy: str, reason: Callable[[Exception], str] = repr
) -> Iterator[None]:
    """Turn what a damaged record raises into one line: WHAT (reason); REMEDY.

    Args:
      reason: how the error is told.

    Raises:
      InputError: in place of errors of looking into a record; its own pass.
    """
    try:
        yield
    except InputError:
        raise
    except UnknownRuleError as error:
        raise InputError(f"{what} ({error}); {error.remedy}") from error
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        raise InputError(f"{what} ({reason(error)}); {remedy}") from error


def numbers(path: pathlib.Path) -> list[int]:
    """Numbers in a file's name, to sort by: as text, 10 comes before 9."""
    return [int(number) for number in re.findall(r"\d+", path.name)]


def checksum(path: pathlib.Path) -> str:
    """Return the SHA-256 of a file, in hexadecimal."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _flush(path, mode):
    handle = os.open(path, mode)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _reserve(handle, size, path):
    try:
        # macOS has no such call.
        if size and hasattr(os, "posix_fallocate"):
            os.posix_fallocate(handle, 0, size)
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(path)) from error
    finally:
        os.close(handle)
