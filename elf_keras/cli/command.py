"""How every command runs: from wrong input to one line and status 2.

Nothing here loads Keras unasked: `--help` and wrong flags answer at once.
"""

import contextlib
import difflib
import importlib
import math
import os
import sys
from collections.abc import Callable

from absl import flags, logging

from elf_keras import choices, plugins, runs
from elf_keras.cli import (
    command_flags,
    flag_errors,
    help_page,
    lean_imports,
    plugin_flags,
    recipe_flags,
    streams,
    tables,
    workdir,
)
from elf_keras.distribution import cluster
from elf_keras.errors import InputError, WorkerLostError
from elf_keras.runs import flagfiles, preemption, progress, recipes

FLAGS = flags.FLAGS
# Whoever takes these numbers says more of what they must be.
_REFUSED_LATER = ("imbalance", "learning_rate")


def run_command(
    main: Callable[[list[str]], None],
    *,
    of_run: bool = False,
    compares: bool = False,
    resumes: bool = False,
    answers: bool = False,
    of_export: bool = False,
) -> None:
    """Parse the command line, run the command, end with its status.

    Args:
      main: called with the arguments that are no flags.
      of_run: start from the flags that the run in --workdir was trained
        with; those on the command line win.
      compares: whether it takes all exit rules at once.
      resumes: whether what was stopped goes on with --resume.
      answers: whether all that it is for is printed, see `streams.prepare`.
      of_export: whether --export will do in place of the run.
    """
    streams.prepare(answers=answers)
    # TensorFlow's start-up notices would bury the one line that matters.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    logging.set_verbosity(logging.ERROR)
    recipe_flags.define()
    command_flags.define()
    again = "; go on with --resume" if resumes else ""
    with progress.on_terminal(), _told_in_one_line(again):
        if {"--help", "-h", "--helpfull", "--helpshort"} & set(sys.argv[1:]):
            _load_for_help()
            print(help_page.page(main), flush=True)
        elif recipes.are_asked_for(sys.argv[1:]):
            print(tables.facts(recipes.table()), flush=True)
        else:
            words = _parse(sys.argv, of_run, of_export)
            _check_rule(compares)
            main(words)


def load_tensorflow(*, devices: bool = True) -> None:
    """Import TensorFlow without its start-up notices.

    Args:
      devices: take the devices now; not where workers are still to be joined.
    """
    cluster.prepare(FLAGS.strategy)
    progress.show("loading TensorFlow")
    # They are written before any log level is read.
    with runs.silenced(), lean_imports.without_unused():
        tensorflow = importlib.import_module("tensorflow")
        if devices:
            tensorflow.config.list_logical_devices()
        importlib.import_module("keras")
    # It warns of tracing where several models predict: no news to users.
    tensorflow.get_logger().setLevel("ERROR")


def say(line: str) -> None:
    """Print a sentence for the user beside the command's own output."""
    print(runs.legible(line), file=sys.stderr, flush=True)


def show(record: dict) -> None:
    """Print the table of scores."""
    print(tables.scores(record), flush=True)


def refuse_arguments(arguments: list[str]) -> None:
    """Refuse words that are no flags."""
    if arguments:
        raise InputError(
            f"unexpected words {' '.join(arguments)!r}: flags are written "
            "--name=value; see --help"
        )


def _parse(argv, of_run, of_export):
    words = flagfiles.expanded(argv)
    plugin_flags.load(words)
    rest = FLAGS(words)[1:]
    if of_run:
        if not (of_export and FLAGS.export) or FLAGS.workdir:
            # Other words of `predict` are its images.
            meant = [w for w in rest if not of_export or workdir.is_run(w)]
            workdir.take_from(workdir.workdir(meant))
    else:
        command_flags.refuse()
    # Bounds let `nan` through: it is neither below nor above any.
    for name in FLAGS:
        value = FLAGS[name].value
        told = name in _REFUSED_LATER or not isinstance(value, float)
        if not told and not math.isfinite(value):
            raise InputError(f"--{name}={value}: expected a finite number")
    return rest


def _load_for_help():
    """Load the plug-ins that help is to tell of; without one, it tells less."""
    try:
        plugin_flags.load(_expanded_if_read(sys.argv))
    except InputError as error:
        say(f"help is without a plug-in: {error}")


def _expanded_if_read(argv):
    """With the words of files, or without where one cannot be read."""
    try:
        return flagfiles.expanded(argv)
    except InputError:
        return argv


def _check_rule(compares):
    if FLAGS.exit_rule == choices.ALL_RULES and not compares:
        names = ", ".join(plugins.names("exit rule"))
        raise InputError(
            f"--exit_rule={choices.ALL_RULES}: elf-keras sweep compares all "
            f"exit rules; name one here: {names}"
        )


@contextlib.contextmanager
def _told_in_one_line(again):
    """Turn what a user can mend into one line and a status."""
    try:
        yield
    except InputError as error:
        # A line end in it is one of a name.
        _end(str(error))
    except flags.UnrecognizedFlagError as error:
        _end(_misspelt(error.flagname))
    except flags.Error as error:
        _end(flag_errors.told(error))
    except ImportError as error:
        if (error.name or "").partition(".")[0] in ("", "elf_keras"):
            raise
        _end(
            f"the package {error.name.partition('.')[0]} is missing or broken "
            f"({_joined(error)}); install it again"
        )
    except UnicodeDecodeError as error:
        _end(f"a flagfile or list is not text ({error}); check its path")
    except preemption.Preempted:
        say(f"stopped by SIGTERM{again}")
        raise
    except WorkerLostError as error:
        _end(_joined(error), error.status)
    except KeyboardInterrupt:
        say(f"stopped{again}")
        sys.exit(130)
    except BrokenPipeError:
        # The reader, such as `head`, has seen enough.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except OSError as error:
        # h5py's have neither number nor file name, only a long text.
        # Of a renaming, where to.
        name = error.filename2 or error.filename
        name = os.fsdecode(name) if isinstance(name, bytes) else name
        where = f": {name}" if name else ""
        reason = error.strerror or _joined(error)
        _end(f"{reason}{where}; free the disk or correct the path")


def _misspelt(name):
    """What to say of a flag that there is not: which are spelt alike."""
    known = ["flagfile", "recipe"]
    for module, found in FLAGS.flags_by_module_dict().items():
        if not module.startswith("absl."):
            known += [flag.name for flag in found]
            known += [f"no{flag.name}" for flag in found if flag.boolean]
    near = difflib.get_close_matches(name, known, n=3, cutoff=0.75)
    told = " or ".join(f"--{each}" for each in near)
    hint = f"did you mean {told}?" if near else "--help lists all"
    return f"Unknown command line flag {name!r}; {hint}"


def _joined(error):
    """What a library says in several lines."""
    return " ".join(str(error).split())


def _end(message, status=2):
    print(f"error: {runs.legible(message)}", file=sys.stderr)
    sys.exit(status)
