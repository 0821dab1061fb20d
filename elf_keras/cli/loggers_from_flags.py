"""From --logger to what takes the logs of a run."""

import contextlib
import pathlib
from collections.abc import Callable, Iterator

from absl import flags

from elf_keras.cli import command, workdir
from elf_keras.training import log_clients, loggers

FLAGS = flags.FLAGS
# These say of a logger's run no more than its name does.
_UNTOLD = ("workdir", "resume", "logger")


def check() -> None:
    """Raise InputError for a logger that there is not, or not here."""
    loggers.check(FLAGS.logger)


@contextlib.contextmanager
def workdir_opened(
    chief: bool, lock: Callable[[], None]
) -> Iterator[tuple[pathlib.Path, list[log_clients.Client]]]:
    """As `workdir.opened`, with the loggers of the run; the chief alone logs.

    Raises:
      InputError: for a logger that cannot be reached, before there is a folder.
    """
    names = [name for name in FLAGS.logger if chief or name == "tensorboard"]
    loggers.get_ready(names)
    told = {
        flag.name: flag.value
        for flag in workdir.shared()
        if flag.value is not None and flag.name not in _UNTOLD
    }
    with (
        workdir.opened(chief, lock) as folder,
        loggers.opened(names, folder, told, command.say) as found,
    ):
        yield folder, found
