"""From --plugin to modules that add to the tables, before flags are parsed.

A module is found as any other, on the path of Python: in the current folder
and in those of PYTHONPATH. Nothing here loads Keras unless a plug-in does.
"""

import contextlib
import importlib
import pathlib
import re
import sys
from collections.abc import Iterator, Sequence

from absl import flags

from elf_keras import plugins, runs
from elf_keras.cli import plugin_check, recipe_flags
from elf_keras.distribution import cluster
from elf_keras.errors import InputError
from elf_keras.plugins import functions
from elf_keras.runs import flagfiles

FLAGS = flags.FLAGS
_FLAG = re.compile(r"--?plugin(?:=(.*))?", re.DOTALL)
_MODULE = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*")
# Flags that name one of a kind.
_CHOICES = {
    "exit_loss": "loss",
    "exit_rule": "exit rule",
    "dataset": "data source",
}
# Flags of commands alone: a parameter of that name would change them.
RESERVED = (
    *("budget", "chain_only", "dry_run", "dry_run_images", "export"),
    *("format", "formats", "group_confidence", "group_tolerance", "model"),
    *("node_modules", "output", "plan", "plan_efficiency", "port"),
    *("plan_utilization", "policy", "policy_file", "resamples", "run_models"),
    *("score_images", "split", "thresholds", "top_k", "variant"),
)
# Read before flags are parsed: a parameter of that name would get no value.
_READ_BEFORE = ("flagfile", "help", "helpfull", "helpshort", "recipe")
_TAKEN = (*RESERVED, *_READ_BEFORE)


def load(words: Sequence[str]) -> None:
    """Import what words of a command line name, and what their runs need.

    Raises:
      InputError: for a module that cannot be imported, or adds what it may
        not; nothing of it is kept.
    """
    told = dict.fromkeys(_named(words), "")
    for path in _of_runs(words):
        for name in _named(flagfiles.read(path)):
            told.setdefault(name, f" (of {path})")
    for name, where in told.items():
        with plugins.whole():
            try:
                before = plugin_check.added()
                _import(name, words)
                plugin_check.check(sys.modules[name], before)
                _define_parameters()
            except InputError as error:
                raise InputError(f"--plugin={name}{where}: {error}") from error
    offer()


def offer() -> None:
    """Let flags take what was registered, and their help say so."""
    for name, kind in _CHOICES.items():
        flag = FLAGS[name]
        values, found = list(flag.parser.enum_values), plugins.added(kind)
        if not found:
            continue
        new = [each for each in found if each not in values]
        # A parser and a text of its own: what was saved of the flag stays.
        flag.parser = flags.EnumParser([*values, *new])
        before, after = "|".join(values), "|".join([*values, *new])
        flag.help = flag.help.replace(f"<{before}>", f"<{after}>")
        flag.help += _summaries(found, flag.help)
    found = plugins.added("backbone")
    FLAGS["backbone"].help += _summaries(found, FLAGS["backbone"].help)
    _define_parameters()


def _summaries(found, text):
    """What help does not say yet of each of a kind."""
    lines = (
        f" {name}: {functions.summary(each)}" for name, each in found.items()
    )
    return "".join(line for line in lines if line not in text)


def _named(words: Sequence[str]) -> Iterator[str]:
    rest = iter(words)
    for word in rest:
        if word == "--":
            return
        if match := _FLAG.fullmatch(word):
            yield next(rest, "") if match[1] is None else match[1]


def _of_runs(words):
    """Flagfiles of the runs, and searches, that words name."""
    for word in words:
        flag, _, value = word.rpartition("=")
        place = pathlib.Path(value)
        if flag == "--weights" and place.suffix == ".keras":
            place = place.parent
        elif flag != "--workdir" and word.startswith("-"):
            continue
        # Of a name that no file can have there is no run either.
        with contextlib.suppress(OSError):
            if value and place.is_dir():
                names = (runs.FLAGS, "search.flags")
                yield from (place / n for n in names if (place / n).is_file())


def _import(name, words):
    if not _MODULE.fullmatch(name) or name.endswith(".py"):
        raise InputError(
            "expected the name of a module, such as my_project.losses for "
            "my_project/losses.py"
        )
    here = str(pathlib.Path.cwd())
    if not {"", here} & set(sys.path):
        # Last: nothing that is installed is hidden by a file of this folder.
        sys.path.append(here)
    given = [w.partition("=")[2] for w in words if "-strategy=" in w]
    cluster.prepare(given[-1] if given else "auto")
    try:
        # It may load TensorFlow, whose notices would bury all else.
        with runs.silenced():
            importlib.invalidate_caches()
            importlib.import_module(name)
    except InputError:
        raise
    except ModuleNotFoundError as error:
        if name == error.name or name.startswith(f"{error.name}."):
            raise InputError(
                "there is no such module in the current folder or on "
                "PYTHONPATH; start the command in the folder that has it, or "
                "add that to PYTHONPATH"
            ) from error
        raise InputError(
            f"it needs the module {error.name}, which is not installed"
        ) from error
    except (Exception, SystemExit) as error:
        stem = name.rpartition(".")[2]
        told = functions.reason(error, lambda f: pathlib.Path(f).stem == stem)
        raise InputError(f"it cannot be imported: {told}; mend it") from error


def _define_parameters():
    """Define a flag for each parameter of a loss that is none yet."""
    for name, function in plugins.added("loss").items():
        for each, default in functions.parameters(function).items():
            told = f"loss {name!r}: parameter {each}"
            if each in FLAGS and each not in _TAKEN:
                _check_same(FLAGS[each], default, told)
            else:
                _define(each, default, told, name)


def _define(name, default, told, loss):
    makers = {
        bool: flags.DEFINE_bool,
        int: flags.DEFINE_integer,
        float: flags.DEFINE_float,
        str: flags.DEFINE_string,
    }
    if name in _TAKEN:
        raise InputError(
            f"{told} has the name of a flag that commands have; choose another"
        )
    if type(default) not in makers:
        raise InputError(
            f"{told} has the default {default!r}; expected a number, a text, "
            "True or False, to make a flag of"
        )
    text = f"{name} of the exit loss {loss}, of a plug-in."
    # As if a recipe's own: kept in flags.flags, listed in help.
    where = {"module_name": recipe_flags.__name__}
    makers[type(default)](name, default, text, **where)


def _check_same(flag, default, told):
    """Refuse a parameter that is a flag of another type already."""
    kinds = {"int": "a number", "float": "a number", "bool": "true or false"}
    kinds |= {"string": "a text", "string enum": "a text"}
    types = {bool: "true or false", int: "a number", float: "a number"}
    flag_kind = kinds.get(flag.flag_type(), "a list")
    kind = types.get(type(default), "a text")
    if flag_kind != kind:
        raise InputError(
            f"{told} is {kind}, and --{flag.name} is {flag_kind}; choose "
            "another name"
        )
    added = flag in recipe_flags.of_plugins()
    if added and flag.default != default:
        raise InputError(
            f"{told} has the default {default!r}, and --{flag.name} of another "
            f"loss has {flag.default!r}; choose another name, or one default"
        )
