"""From flags to objects, and from wrong input to one line and status 2.

Nothing here loads Keras before a builder needs it: `--help` and wrong flags
are answered at once.
"""

import importlib
import os
import pathlib
import shutil
import sys
from collections.abc import Callable

from absl import flags, logging

from elf_keras import (
    cluster,
    command_flags,
    flag_definitions,
    preemption,
    runs,
    silence,
    tables,
    train_threshold,
)
from elf_keras.errors import InputError, WorkerLostError

FLAGS = flags.FLAGS
# Flags that say where and how, not what: they may differ on --resume.
_INCIDENTAL = {
    *("workdir", "resume", "data_dir", "list_dir", "strategy"),
    "checkpoint_minutes",
}


def run_command(
    main: Callable[[list[str]], None], *, of_run: bool = False
) -> None:
    """Parse the command line, run the command, end with its status.

    Args:
      main: called with the arguments that are no flags.
      of_run: start from the flags that the run in --workdir was trained
        with; those on the command line win.
    """
    # TensorFlow's start-up notices would bury the one line that matters.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    logging.set_verbosity(logging.ERROR)
    flag_definitions.define()
    command_flags.define()
    try:
        if {"--help", "-h", "--helpfull", "--helpshort"} & set(sys.argv[1:]):
            print(_help(main, of_run), flush=True)
        else:
            main(_parse(sys.argv, of_run))
    except (InputError, flags.Error) as error:
        _end(str(error))
    except UnicodeDecodeError as error:
        _end(f"a flagfile or list is not text ({error}); check its path")
    except preemption.Preempted:
        say("stopped by SIGTERM; go on with --resume")
        raise
    except WorkerLostError as error:
        _end(str(error), error.status)
    except KeyboardInterrupt:
        print("stopped; go on with --resume", file=sys.stderr)
        sys.exit(130)
    except BrokenPipeError:
        # The reader, such as `head`, has seen enough.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except OSError as error:
        # h5py's have neither number nor file name, only a long text.
        where = f": {error.filename}" if error.filename else ""
        reason = error.strerror or str(error)
        _end(f"{reason}{where}; free the disk or mend the path")


def load_tensorflow(*, devices: bool = True) -> None:
    """Import TensorFlow without its start-up notices.

    Args:
      devices: take the devices now; not where workers are still to be joined.
    """
    several = FLAGS.strategy in ("mirrored", "multi_worker")
    if several or cluster.VARIABLE in os.environ:
        # oneDNN's convolution gets an empty batch wrong, which the last step
        # can hand to a replica on CPU devices; GPUs do not use it.
        os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")
    # They are written before any log level is read.
    with silence.standard_error():
        tensorflow = importlib.import_module("tensorflow")
        if devices:
            tensorflow.config.list_logical_devices()
        importlib.import_module("keras")


def cluster_from_flags() -> cluster.Cluster | None:
    """Return the workers to train with, None for this process alone.

    Raises:
      InputError: where TF_CONFIG is needed and missing, or malformed.
    """
    if FLAGS.strategy not in ("auto", "multi_worker"):
        return None
    found = cluster.from_environment()
    if FLAGS.strategy == "multi_worker" and found is None:
        raise InputError(
            f"--strategy=multi_worker: {cluster.VARIABLE} is not set; start "
            "every worker with it, for example as in clusters/slurm.sh"
        )
    alone = FLAGS.strategy == "auto" and found and len(found.workers) == 1
    return None if alone else found


def say(line: str) -> None:
    """Print a sentence for the user beside the command's own output."""
    print(line, file=sys.stderr, flush=True)


def show(record: dict) -> None:
    """Print the table of scores."""
    print(tables.scores(record), flush=True)


def refuse_arguments(arguments: list[str]) -> None:
    """Refuse words that are no flags.

    Raises:
      InputError: where there are any.
    """
    if arguments:
        raise InputError(
            f"unexpected words {' '.join(arguments)!r}: flags are written "
            "--name=value; see --help"
        )


def resolved_flags() -> str:
    """Return a flagfile that repeats this run."""
    lines = [
        flag.serialize()
        for flag in sorted(_shared_flags(), key=lambda flag: flag.name)
        if flag.value is not None and flag.name != "resume"
    ]
    return "\n".join(line for line in lines if line) + "\n"


def lasting(flagfile: str) -> set[str]:
    """Lines of a flagfile that may not change while a run goes on."""
    return {
        line
        for line in flagfile.splitlines()
        if _flag_name(line) not in _INCIDENTAL
    }


def workdir() -> pathlib.Path:
    """Return --workdir.

    Raises:
      InputError: where it is not given.
    """
    if not FLAGS.workdir:
        raise InputError(
            "--workdir is missing: name the folder of the run, for example "
            "--workdir=runs/digits_lt"
        )
    return pathlib.Path(FLAGS.workdir)


def take_flags_of_run(folder: pathlib.Path) -> None:
    """Set all flags to those of a run; those on the command line win.

    Raises:
      InputError: where the folder is not that of a run.
    """
    record = folder / runs.FLAGS
    if not record.exists():
        raise InputError(
            f"--workdir={folder} is not the folder of a run: it holds "
            f"no {runs.FLAGS}"
        )
    # The run's own flags first, so that the command line's win.
    FLAGS.unparse_flags()
    FLAGS([sys.argv[0], f"--flagfile={record}", *sys.argv[1:]])


def check_workdir() -> pathlib.Path:
    """Return the run's folder if a run may begin or go on there.

    Raises:
      InputError: where it holds another run.
    """
    folder = workdir()
    runs.check(folder, resume=FLAGS.resume)
    record = folder / runs.FLAGS
    if record.exists():
        _refuse_other_flags(record)
    return folder


def open_workdir() -> pathlib.Path:
    """Make the run's folder, with the flags that repeat the run."""
    folder = check_workdir()
    if not (folder / runs.FLAGS).exists():
        runs.write_text(folder / runs.FLAGS, resolved_flags())
    return folder


def follow_workdir(place: pathlib.Path) -> pathlib.Path:
    """Make a folder like the run's for a worker that writes nothing there.

    Args:
      place: an empty folder; the run's checkpoints are copied into it.
    """
    runs.write_text(place / runs.FLAGS, resolved_flags())
    saved = workdir() / "checkpoints"
    if saved.is_dir():
        shutil.copytree(saved, place / saved.name)
    return place


def check_same_flags(folder: pathlib.Path, name: str) -> None:
    """Refuse a folder unless it is new, or its flagfile `name` is the same.

    Raises:
      InputError: where it holds something else.
    """
    runs.check(folder, resume=True, record=name)
    if (folder / name).exists():
        _refuse_other_flags(folder / name)


def splits_from_flags():
    """Load the data that the flags name."""
    from elf_keras import data
    from elf_keras.data import splits

    if FLAGS.dataset.startswith("cifar"):
        load_tensorflow()
    return data.load(
        FLAGS.dataset,
        data_dir=FLAGS.data_dir,
        imbalance=FLAGS.imbalance,
        validation_fraction=FLAGS.validation_fraction,
        validation_group=FLAGS.validation_group,
        seed=FLAGS.seed,
        image_size=FLAGS.image_size,
        files=splits.FileRules(
            list_dir=pathlib.Path(FLAGS.list_dir) if FLAGS.list_dir else None,
            check_counts=FLAGS.check_counts,
            images_on=FLAGS.images_on,
        ),
    )


def train_threshold_from_flags(classes: int) -> float:
    """Return t, also for methods that do not train with it."""
    return train_threshold.parse(
        FLAGS.train_threshold, FLAGS.exit_loss, classes
    )


def exit_threshold_from_flags(classes: int) -> float:
    """Return s, for --exit_rule."""
    return train_threshold.parse(
        FLAGS.exit_threshold, FLAGS.exit_loss, classes, rule=FLAGS.exit_rule
    )


def score_scale_from_flags() -> float:
    """Return σ, by which the exit loss multiplies scores: 1 but for LDAM."""
    cosine = FLAGS.exit_loss in train_threshold.COSINE_LOSSES
    return FLAGS.ldam_scale if cosine else 1.0


def _shared_flags():
    module = FLAGS.flags_by_module_dict()
    return module[flag_definitions.__name__]


def _refuse_other_flags(record):
    before = lasting(record.read_text(encoding="utf-8"))
    now = lasting(resolved_flags())
    written = {_flag_name(line) for line in before}
    # A run begun before a flag existed had what is now its default.
    same = {
        flag.name
        for flag in _shared_flags()
        if flag.value == flag.default and flag.name not in written
    }
    changed = sorted(
        line for line in before ^ now if _flag_name(line) not in same
    )
    if changed:
        raise InputError(
            f"--workdir={FLAGS.workdir} holds a run with other flags "
            f"({' '.join(changed)}); resume it with its own flags.flags, or "
            "name a new --workdir"
        )


def _flag_name(line):
    return line.removeprefix("--no").removeprefix("--").partition("=")[0]


def _parse(argv, of_run):
    rest = FLAGS(argv)[1:]
    if of_run:
        take_flags_of_run(workdir())
    else:
        command_flags.refuse()
    return rest


def _help(main, of_run):
    """What the command does, its own flags, then those that it shares."""
    shared = [command_flags] if of_run else []
    return "\n".join(
        [
            main.__globals__["__doc__"].strip(),
            FLAGS.main_module_help(),
            *(
                FLAGS.module_help(module.__name__)
                for module in (*shared, flag_definitions)
            ),
        ]
    )


def _end(message, status=2):
    print("error: " + " ".join(message.split()), file=sys.stderr)
    sys.exit(status)
