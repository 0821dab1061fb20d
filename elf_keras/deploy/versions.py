"""Versions of an export: NAME/1, NAME/2, …, as model servers watch them.

NAME is a base path for TensorFlow Serving as it is: a server loads the highest
number and ignores what is no number. A version comes into being whole, by one
rename, and never takes the place of another that holds anything.
"""

import contextlib
import pathlib
import re
import tempfile
from collections.abc import Iterator

from elf_keras import runs
from elf_keras.errors import InputError

MANIFEST, SAVED_MODEL_FILE = "manifest.json", "saved_model.pb"
# Servers keep them in 64 bits.
_NUMBER = re.compile(r"[0-9]{1,18}")


def is_number(name: str) -> bool:
    """Would a server take a folder of this name for a version?"""
    return bool(_NUMBER.fullmatch(name))


def numbered(folder: pathlib.Path) -> list[pathlib.Path]:
    """What has a version's name in an export's folder, lowest first."""
    if not folder.is_dir():
        return []
    found = (path for path in folder.iterdir() if is_number(path.name))
    return sorted(found, key=lambda path: int(path.name))


def is_export(folder: pathlib.Path) -> bool:
    """Is it a NAME with versions, one of them, or an export of before?"""
    places = [folder, *numbered(folder)]
    return any((place / MANIFEST).exists() for place in places)


def folder_of(folder: pathlib.Path) -> pathlib.Path:
    """The folder of an export that is named: NAME is its highest version.

    NAME/N is that version; an export of before, without versions, is itself.

    Raises:
      InputError: where there is no export, or the version is not whole yet.
    """
    try:
        return _folder_of(folder)
    except OSError as error:
        raise InputError(
            f"{folder} cannot be read ({error.strerror}); name a folder "
            "written by elf-keras export"
        ) from error


def _folder_of(folder):
    if (folder / MANIFEST).exists():
        return folder
    places = [place for place in numbered(folder) if place.is_dir()]
    if not places:
        raise InputError(
            f"{folder / MANIFEST} does not exist, nor a version such as "
            f"{folder / '1'}; name a folder written by elf-keras export"
        )
    last = places[-1]
    if (last / MANIFEST).exists():
        return last
    whole = [place for place in places if (place / MANIFEST).exists()]
    other = f"name {whole[-1]}" if whole else "export again"
    raise InputError(
        f"{last} holds no {MANIFEST}: another process is still writing it, or "
        f"it is not an export; wait, or {other}"
    )


def label(folder: pathlib.Path) -> str:
    """How an export is called beside others: NAME/N, or NAME."""
    names = folder.parts[-2:] if is_number(folder.name) else folder.parts[-1:]
    return "/".join(runs.legible(name) for name in names)


def following(folder: pathlib.Path) -> pathlib.Path:
    """The place of the next version of an export."""
    held = numbered(folder)
    return folder / str(int(held[-1].name) + 1 if held else 1)


def check_output(output: pathlib.Path, *, served: bool) -> None:
    """Refuse a folder to which no version can be added.

    Args:
      served: whether the version is to hold a SavedModel.

    Raises:
      InputError: for a file, a folder of something else, a version's own
        name, or a NAME that servers may watch and could not load from then on.
    """
    for path in (output, *output.parents):
        if path.exists() and not path.is_dir():
            raise InputError(
                f"--output={output}: {path} is a file; name a folder"
            )
    if is_number(output.name):
        raise InputError(
            f"--output={output} ends in a version number, which export chooses "
            "itself; name the folder above it"
        )
    held = numbered(output)
    if (output / MANIFEST).exists() or (not held and _others(output)):
        raise InputError(
            f"--output={output} exists and holds no versions of an export; "
            "name another folder, or move what it holds"
        )
    with_it = [at for at in held if (at / SAVED_MODEL_FILE).exists()]
    if with_it and not served:
        raise InputError(
            f"--formats: {with_it[-1]} has a SavedModel, and a server that "
            f"watches {output} could not load a version without one; add "
            "saved_model, or name another folder"
        )


def _others(output):
    """What is in a folder but what exports write, or left when killed."""
    found = output.iterdir() if output.exists() else ()
    return [at for at in found if not at.name.startswith(runs.WRITING)]


@contextlib.contextmanager
def adding(output: pathlib.Path) -> Iterator[pathlib.Path]:
    """Give an empty folder to write a version into, and remove it at the end.

    It is beside the versions, so that `put` is a rename within a file system,
    and its name is no number, so that no server reads it.
    """
    output.mkdir(parents=True, exist_ok=True)
    try:
        with tempfile.TemporaryDirectory(
            dir=output, prefix=runs.WRITING
        ) as temporary:
            made = pathlib.Path(temporary, "export")
            made.mkdir()
            yield made
    finally:
        # Where nothing came of it, nothing is left of it.
        with contextlib.suppress(OSError):
            output.rmdir()


def put(made: pathlib.Path, output: pathlib.Path) -> pathlib.Path:
    """Rename a whole version to the next number; return its place.

    A number that comes into being meanwhile is left alone: the next is taken.

    Raises:
      InputError: where no version can be added any more.
    """
    check_output(output, served=(made / SAVED_MODEL_FILE).exists())
    while True:
        place = following(output)
        try:
            return made.rename(place)
        except OSError:
            if not place.exists():
                raise
