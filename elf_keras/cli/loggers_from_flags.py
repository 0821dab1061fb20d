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


def get_ready(chief: bool) -> None:
    """Raise InputError for a logger that cannot be reached; the chief asks."""
    loggers.get_ready(_names(chief))


@contextlib.contextmanager
def workdir_opened(
    chief: bool, lock: Callable[[], None]
) -> Iterator[tuple[pathlib.Path, list[log_clients.Client]]]:
    """As `workdir.opened`, with the loggers of the run; only the chief logs."""
    told = {
        flag.name: flag.value
        for flag in workdir.shared()
        if flag.value is not None and flag.name not in _UNTOLD
    }
    with (
        workdir.opened(chief, lock) as folder,
        loggers.opened(_names(chief), folder, told, command.say) as found,
    ):
        yield folder, found


def _names(chief):
    return [name for name in FLAGS.logger if chief or name == "tensorboard"]
