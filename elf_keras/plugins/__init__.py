"""Losses, backbones, exit rules and data sources from outside the package.

A module of your own registers functions by name, and `--plugin=MODULE` of any
command imports it:

    from elf_keras import plugins

    @plugins.loss("poly1")
    def poly1(logits, labels, *, poly_epsilon=1.0):
        \"\"\"Cross-entropy + ε (1 - p_y), PolyLoss.\"\"\"
        …

The tables `losses.EXIT_LOSSES`, `models.backbones.BACKBONES`,
`exits.certainty.EXIT_RULES` and `data.SOURCES` then have it beside their own,
and so have the flags. Nothing here loads Keras. docs/how-to/plugins.md has an
example of each kind.
"""

import contextlib
import re
from collections.abc import Callable, Iterator
from typing import NamedTuple

from elf_keras import choices
from elf_keras.errors import InputError
from elf_keras.plugins import functions
from elf_keras.plugins.functions import OF_COUNTS

_NAME = re.compile(r"[a-z][a-z0-9_]*")


class ExitLoss(NamedTuple):
    """A line of the table of exit losses.

    Attributes:
      function: of logits and labels, one value per example and exit.
      parameters: numbers that a user may give.
      of_counts: arguments that the class counts give.
      of_weights: whether it may look at the class weights itself.
      cosine: whether the logits are to be cosines, as LDAM's.
    """

    function: Callable
    parameters: tuple[str, ...] = ()
    of_counts: tuple[str, ...] = ()
    of_weights: bool = False
    cosine: bool = False


# What was registered, by name; the tables of the packages look here, too.
LOSSES: dict[str, ExitLoss] = {}
BACKBONES: dict[str, Callable] = {}
EXIT_RULES: dict[str, Callable] = {}
DATA_SOURCES: dict[str, Callable] = {}
_TABLES = {
    "loss": (LOSSES, choices.EXIT_LOSSES),
    "backbone": (BACKBONES, choices.BACKBONES),
    "exit rule": (EXIT_RULES, choices.EXIT_RULES),
    "data source": (DATA_SOURCES, choices.DATASETS),
}


def loss(name: str, *, cosine: bool = False) -> Callable:
    """Register an exit loss, for `--exit_loss=NAME`.

    The function takes logits z `(batch, exits, classes)` and class indices
    `(batch, exits)`, and returns one value for each example and exit, `(batch,
    exits)`. Keyword-only parameters named `class_counts`, `log_priors` or
    `margins`, each `(classes,)`, are given from the training images; any
    other has a default, and becomes a flag of its name.

    Args:
      name: lower-case letters, digits and underscores.
      cosine: the exits end in cosine classifiers, as for LDAM, and
        `--ldam_scale` is what the loss multiplies the cosines by.

    Raises:
      InputError: for a name that is taken, a function without docstring, and
        parameters that cannot be given.
    """
    _check_called("loss", name)

    def register(function):
        names = functions.keywords(function, f"loss {name!r}", positional=2)
        defaults = functions.parameters(function)
        given = tuple(n for n in names if n in OF_COUNTS)
        for each in names:
            if each not in (*given, *defaults):
                raise InputError(
                    f"loss {name!r}: parameter {each} has no default; expected "
                    f"one, or one of the names {', '.join(OF_COUNTS)}"
                )
        entry = ExitLoss(function, tuple(defaults), given, cosine=cosine)
        return _add("loss", name, function, entry)

    return register


def backbone(name: str) -> Callable:
    """Register a backbone, for `--backbone=NAME`.

    The function takes normalized images, a Keras tensor `(batch, height,
    width, channels)`, and returns the last feature map; exits are then placed
    by rule. One that says where they sit returns a `models.TappedBackbone`.
    """
    _check_called("backbone", name)

    def register(function):
        functions.keywords(function, f"backbone {name!r}", positional=1)
        return _add("backbone", name, function)

    return register


def exit_rule(name: str) -> Callable:
    """Register an exit rule, for `--exit_rule=NAME`.

    The function takes logits `(..., exits, classes)` and returns how certain
    each exit is, `(..., exits)` in (0, 1], by that exit's logits alone. It
    gets NumPy arrays and tensors: `elf_keras.exits.arrays.of(logits)` has the
    functions that suit both.
    """
    _check_called("exit_rule", name)

    def register(function):
        functions.keywords(function, f"exit rule {name!r}", positional=1)
        told = f"exit rule {name!r}"
        functions.check_rule(functions.in_use(function, told), name)
        return _add("exit rule", name, function)

    return register


def data_source(name: str) -> Callable:
    """Register a data source, for `--dataset=NAME`.

    The function takes a `data.Request` and returns `data.splits.Splits`;
    `data.from_arrays` makes them of arrays.
    """
    _check_called("data_source", name)

    def register(function):
        functions.keywords(function, f"data source {name!r}", positional=1)
        return _add("data source", name, function)

    return register


def names(kind: str) -> tuple[str, ...]:
    """All names of a kind, the package's own first."""
    added, own = _TABLES[kind]
    return (*own, *added)


def added(kind: str) -> dict[str, Callable]:
    """The functions of a kind that were registered, by name."""
    table, _ = _TABLES[kind]
    return {name: _function(entry) for name, entry in table.items()}


def prior_losses() -> tuple[str, ...]:
    """Losses that add log π to the logits: these favour rare classes."""
    own = [n for n, each in LOSSES.items() if "log_priors" in each.of_counts]
    return (*choices.PRIOR_LOSSES, *own)


@contextlib.contextmanager
def whole() -> Iterator[None]:
    """Keep nothing of what is registered within, where an error ends it."""
    before = [(table, dict(table)) for table, _ in _TABLES.values()]
    try:
        yield
    except BaseException:
        for table, kept in before:
            table.clear()
            table.update(kept)
        raise


def _check_called(decorator, name):
    """Refuse a function where its name belongs, for want of parentheses."""
    if callable(name):
        raise InputError(
            f"@plugins.{decorator} on the function "
            f"{getattr(name, '__name__', name)} has no name; write one, such "
            f'as @plugins.{decorator}("mine")'
        )


def _function(entry):
    """The function as its module has it."""
    return getattr(entry, "function", entry).__wrapped__


def _add(kind, name, function, entry=None):
    table, own = _TABLES[kind]
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise InputError(
            f"{kind} {name!r}: expected a name of lower-case letters, digits "
            "and underscores"
        )
    if not (function.__doc__ or "").strip():
        raise InputError(
            f"{kind} {name!r}: the function {function.__name__} has no "
            "docstring; write in one line what it is, for help and reports"
        )
    before = _function(table[name]) if name in table else None
    reserved = (*own, choices.ALL_RULES)
    if name in reserved or (before and not _is_again(function, before)):
        where = f"the plug-in {before.__module__}" if before else "the package"
        raise InputError(
            f"{kind} {name!r} is already defined by {where}; choose another "
            "name"
        )
    safe = functions.in_use(function, f"{kind} {name!r}")
    table[name] = entry._replace(function=safe) if entry else safe
    return function


def _is_again(function, before):
    """Whether a notebook's cell ran again, or a module was loaded again."""
    same = function.__module__, function.__qualname__
    return same == (before.__module__, before.__qualname__)
