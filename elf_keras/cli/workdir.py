"""The flags of a run, and the folder that records them."""

import contextlib
import copy
import functools
import pathlib
import re
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence

from absl import flags

from elf_keras import runs
from elf_keras.cli import flag_errors, plugin_flags, recipe_flags
from elf_keras.errors import InputError
from elf_keras.runs import flagfiles

FLAGS = flags.FLAGS
# Flags that say where and how, not what: they may differ on --resume.
_INCIDENTAL = {
    *("workdir", "resume", "data_dir", "list_dir", "labels", "strategy"),
    *("checkpoint_minutes", "logger"),
}


def shared() -> list[flags.Flag]:
    """Return the flags that all commands of a run share."""
    return recipe_flags.shared()


def resolved(given: flags.FlagValues = FLAGS) -> list[str]:
    """Return a command line that repeats this run."""
    return [
        word
        for flag in sorted(shared(), key=lambda flag: flag.name)
        if flag.name != "resume"
        for word in _words(given[flag.name])
    ]


def lasting(words: Sequence[str]) -> set[str]:
    """Words of a command line that may not change while a run goes on."""
    return {word for word in words if _flag_name(word) not in _INCIDENTAL}


def incidental() -> list[str]:
    """Return the flags that say where and how this command runs, as given."""
    names = _INCIDENTAL - {"workdir", "resume"}
    given = (f for f in shared() if f.name in names and f.present)
    return [flag.serialize() for flag in given]


def given_here(*names: str) -> bool:
    """Whether the command line has one of these flags, not the run alone."""
    words = flagfiles.expanded(sys.argv)[1:]
    return any(_flag_name(word) in names for word in words)


def workdir(words: Sequence[str] = ()) -> pathlib.Path:
    """Return --workdir, which must be given; `words` may be meant as it."""
    if not FLAGS.workdir and words:
        raise InputError(f"--workdir is missing: write --workdir={words[0]}")
    if not FLAGS.workdir:
        raise InputError(
            "--workdir is missing: name the folder of the run, for example "
            "--workdir=runs/digits_lt"
        )
    return pathlib.Path(FLAGS.workdir)


def is_run(place: str) -> bool:
    """Whether a path is the folder of a run."""
    # Of a name that no file can have there is no run either.
    with contextlib.suppress(OSError):
        return (pathlib.Path(place) / runs.FLAGS).is_file()
    return False


def take_from(folder: pathlib.Path) -> None:
    """Set all flags to those of a run; those on the command line win."""
    record = _flagfile(folder)
    # The run's own flags first, so that the command line's win.
    FLAGS.unparse_flags()
    words = [sys.argv[0], *flagfiles.read(record), *sys.argv[1:]]
    words = flagfiles.expanded(words)
    plugin_flags.load(words)
    FLAGS(words)


def flags_of(
    folder: pathlib.Path, words: Sequence[str] = ()
) -> flags.FlagValues:
    """Read the flags of another run; `FLAGS` stays as it is.

    A flag that its flagfile does not name has its default; `words` of a
    command line, such as `sys.argv[1:]`, win.

    Raises:
      InputError: where the folder is not that of a run.
      absl.flags.Error: for a flag that there is not, or a wrong value.
    """
    own = flagfiles.read(_flagfile(folder))
    return _parsed([sys.argv[0], *own, *words])


def parsed(words: Sequence[str]) -> flags.FlagValues:
    """Read words of a command line, of no command; `FLAGS` stays as it is.

    Raises:
      InputError: for a flag that there is not, or a wrong value.
    """
    recipe_flags.define()
    if not FLAGS.is_parsed():
        # In a notebook nobody has: their defaults hold.
        FLAGS.mark_as_parsed()
    try:
        return _parsed(["", *words])
    except flags.Error as error:
        raise InputError(flag_errors.told(error)) from error


def _parsed(words):
    words = flagfiles.expanded(words)
    plugin_flags.load(words)
    found = copy.deepcopy(FLAGS)
    for name in found:
        found[name].unparse()
    found(words)
    return found


def check_workdir() -> pathlib.Path:
    """Return the run's folder if a run may begin or go on there."""
    folder = workdir()
    runs.check(folder, resume=FLAGS.resume)
    _refuse_other_flags(folder / runs.FLAGS)
    return folder


def open_workdir() -> pathlib.Path:
    """Make the run's folder, with the flags that repeat the run."""
    folder = check_workdir()
    if not (folder / runs.FLAGS).exists():
        flagfiles.write(folder / runs.FLAGS, resolved())
    return folder


def follow_workdir(place: pathlib.Path) -> pathlib.Path:
    """Make an empty folder like the run's for a worker that is not to write."""
    flagfiles.write(place / runs.FLAGS, resolved())
    saved = workdir() / "checkpoints"
    if saved.is_dir():
        shutil.copytree(saved, place / saved.name)
    return place


@contextlib.contextmanager
def locking(
    folder: pathlib.Path, *, at_once: bool
) -> Iterator[Callable[[], None]]:
    """Give what keeps other trainings out of a folder, until the end.

    `at_once` it is called before data are read and memory of a GPU is taken,
    where the folder is there.
    """
    with contextlib.ExitStack() as held:
        lock = runs.locked(folder)
        take = functools.cache(functools.partial(held.enter_context, lock))
        if at_once and folder.is_dir():
            take()
        yield take


@contextlib.contextmanager
def opened(chief: bool, lock: Callable[[], None]) -> Iterator[pathlib.Path]:
    """Give the run's folder, locked; to a worker that writes none, a copy."""
    if chief:
        folder = open_workdir()
        lock()
        yield folder
        return
    with tempfile.TemporaryDirectory() as place:
        yield follow_workdir(pathlib.Path(place))


def check_same(folder: pathlib.Path, name: str) -> None:
    """Refuse a folder unless it is new, or its flagfile `name` is the same."""
    runs.check(folder, resume=True, record=name)
    _refuse_other_flags(folder / name)


def _refuse_other_flags(record):
    """Unless the run begins only now, and there is no record of any."""
    if not record.exists():
        return
    before = lasting(flagfiles.read(record))
    now = lasting(resolved())
    written = {_flag_name(word) for word in before}
    # A run begun before a flag existed had what is now its default.
    same = {
        flag.name
        for flag in shared()
        if flag.value == flag.default and flag.name not in written
    }
    changed = sorted(
        flagfiles.line(word)
        for word in before ^ now
        if _flag_name(word) not in same
    )
    if changed:
        raise InputError(
            f"--workdir={FLAGS.workdir} holds a run with other flags "
            f"({' '.join(changed)}); resume it with its own flags.flags, or "
            "name a new --workdir"
        )


def _flagfile(folder):
    record = folder / runs.FLAGS
    if not record.exists():
        raise InputError(
            f"--workdir={folder} is not the folder of a run: it holds "
            f"no {runs.FLAGS}"
        )
    return record


def _words(flag):
    """The words that set a flag, one for each value of several."""
    if flag.value is None:
        return []
    if isinstance(flag, flags.MultiFlag):
        # Read from a run and from the command line it has each value twice.
        return [f"--{flag.name}={each}" for each in dict.fromkeys(flag.value)]
    return [flag.serialize()]


def _flag_name(word):
    dashes = re.match("--?(no)?", word)
    return word[dashes.end() :].partition("=")[0] if dashes else ""
