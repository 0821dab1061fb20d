"""A run's folder: the names in it, and whether a run may write into it."""

import atexit
import functools
import pathlib
import shutil
import tempfile

from elf_keras.errors import InputError
from elf_keras.runs.files import WRITING
from elf_keras.runs.lock import LOCK

RECORD = "run.json"
EXAMPLES = "data.csv"
FLAGS = "flags.flags"
METRICS = "metrics.json"
MODEL = "model.keras"


def check(folder: pathlib.Path, *, resume: bool, record: str = FLAGS) -> None:
    """Refuse a folder that anything but this run would write into.

    Args:
      resume: go on with the run that is there, if there is one.
      record: the file by which a run is known.

    Raises:
      InputError: where it is a file, lies below one, or holds anything and
        is not to be resumed.
    """
    for path in (folder, *folder.parents):
        if path.exists() and not path.is_dir():
            raise InputError(
                f"--workdir={folder}: {path} is a file; name a folder"
            )
    if not folder.is_dir():
        return
    names = {path.name for path in folder.iterdir()} - {LOCK}
    if all(name.startswith(WRITING) for name in names):
        return
    if resume and names <= {RECORD, EXAMPLES}:
        # The data of a run that is still to begin.
        return
    if not (folder / record).exists():
        raise InputError(
            f"--workdir={folder} holds files of something else; name an "
            "empty or a new folder"
        )
    if not resume:
        raise InputError(
            f"--workdir={folder} already holds a run, which is never "
            "overwritten; name a new folder, or add --resume to go on"
        )


@functools.cache
def encodable(folder: pathlib.Path) -> pathlib.Path:
    """A path to a folder for TensorFlow, which takes names in UTF-8 alone.

    Where its own is another, that of a link, for as long as this process runs.
    """
    try:
        str(folder).encode()
    except UnicodeEncodeError:
        place = pathlib.Path(tempfile.mkdtemp(prefix="elf_keras-"))
        atexit.register(shutil.rmtree, place, ignore_errors=True)
        link = place / "folder"
        link.symlink_to(folder.resolve(), target_is_directory=True)
        return link
    return folder
