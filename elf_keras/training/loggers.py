"""The loggers of a run, from its first epoch to its final scores."""

import contextlib
import importlib.util
import math
import pathlib
from collections.abc import Callable, Iterator, Mapping, Sequence

from elf_keras import runs
from elf_keras.errors import InputError
from elf_keras.runs import preemption
from elf_keras.training.log_clients import (
    CLIENTS,
    FINISHED,
    READY,
    Client,
)

# What each logger knows the run by, so that a resumed run goes on there.
RECORD = "loggers.json"
_INSTALL = 'pip install "elf_keras[loggers]", or {} alone'
# Some errors of the client advise it themselves.
_LOGIN = "wandb login"
_REMEDIES = {
    "wandb": f"run `{_LOGIN}`, or set WANDB_MODE=offline",
    "mlflow": "see MLFLOW_TRACKING_URI and what it names",
}


def check(names: Sequence[str]) -> None:
    """Raise InputError for a logger that there is not, or not here."""
    for name in names:
        if name not in CLIENTS:
            raise InputError(
                f"--logger={','.join(names)}: expected none or more of "
                f"{', '.join(CLIENTS)}, with commas between"
            )
        if importlib.util.find_spec(name) is None:
            raise InputError(
                f"--logger={name}: the package {name} is not installed; "
                f"{_INSTALL.format(name)}"
            )


def get_ready(names: Sequence[str]) -> None:
    """Raise InputError for a logger that cannot be reached."""
    for name in names:
        if name in READY:
            with _told(name):
                READY[name]()


@contextlib.contextmanager
def opened(
    names: Sequence[str],
    folder: pathlib.Path,
    config: Mapping[str, object],
    report: Callable[[str], None],
) -> Iterator[list[Client]]:
    """Give the loggers of a run, and close them as it ended.

    Args:
      names: of `CLIENTS`.
      folder: the run's, whose name it has in a logger, too.
      config: what the run is made by, such as its flags.
      report: called with a sentence where a logger fails when all is done.

    Raises:
      InputError: for a logger that cannot begin.
    """
    record = folder / RECORD
    known = runs.read_json(record) if record.exists() else {}
    found, status = {}, "FAILED"
    try:
        for name in names:
            with _told(name):
                found[name] = CLIENTS[name](folder, known.get(name), config)
        new = {name: at.known_as for name, at in found.items() if at.known_as}
        if new.items() - known.items():
            runs.write_json(record, known | new)
        yield [*found.values()]
        status = FINISHED
    except (KeyboardInterrupt, preemption.Preempted):
        status = "KILLED"
        raise
    finally:
        for client in found.values():
            with _costing_nothing(report):
                client.close(status)


def give_scores(
    clients: Sequence[Client], record: dict, report: Callable[[str], None]
) -> None:
    """Hand over the final scores, the content of metrics.json."""
    scores = dict(flat(runs.plain(record)))
    for client in clients:
        with _costing_nothing(report):
            client.take_scores(scores)


def flat(scores: Mapping) -> Iterator[tuple[str, float]]:
    """Yield each number with its path, such as `test/best/static/few`.

    Lists count from 1, as exits do: `test/best/exits/2/accuracy`. The points
    of a curve are no scores.
    """
    for key, value in scores.items():
        if isinstance(value, list):
            value = {str(n): each for n, each in enumerate(value, start=1)}
        if isinstance(value, dict) and key != "curve":
            for path, number in flat(value):
                yield f"{key}/{path}", number
        elif isinstance(value, (int, float)) and math.isfinite(value):
            yield key, float(value)


@contextlib.contextmanager
def _told(name):
    """Say in one line what a logger cannot do."""
    try:
        yield
    except ImportError as error:
        raise InputError(
            f"--logger={name} cannot be imported ({error}); "
            f"{_INSTALL.format(name)}"
        ) from error
    except Exception as error:
        if type(error).__module__.partition(".")[0] != name:
            raise
        said, remedy = _first_line(error), _REMEDIES[name]
        if _LOGIN in said:
            remedy = remedy.removeprefix(f"run `{_LOGIN}`, ")
        raise InputError(f"--logger={name}: {said}; {remedy}") from error


@contextlib.contextmanager
def _costing_nothing(report):
    """A logger that fails when all is done does not cost the training."""
    try:
        yield
    except Exception as error:
        report(f"warning: a logger lacks the end: {_first_line(error)}")


def _first_line(error):
    line = str(error).strip().partition("\n")[0].rstrip(".")
    return line or type(error).__name__
