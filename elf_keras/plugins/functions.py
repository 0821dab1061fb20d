"""Whether a function fits what it is registered as, and what it takes."""

import functools
import inspect
import traceback
from collections.abc import Callable
from pathlib import Path

from elf_keras.errors import InputError

# Keyword-only parameters of a loss that the class counts give.
OF_COUNTS = ("class_counts", "log_priors", "margins")


def parameters(function: Callable) -> dict[str, float | int | bool | str]:
    """Keyword-only parameters that become flags, and their defaults."""
    found = inspect.signature(function).parameters.values()
    return {
        each.name: each.default
        for each in found
        if each.kind == each.KEYWORD_ONLY and each.default is not each.empty
        if each.name not in OF_COUNTS
    }


def summary(function: Callable) -> str:
    """The first line of its docstring, as help has it."""
    return inspect.getdoc(function).partition("\n")[0]


def keywords(function: Callable, told: str, *, positional: int) -> list[str]:
    """Names of the keyword-only parameters, of a function that fits."""
    found = list(inspect.signature(function).parameters.values())
    first, rest = found[:positional], found[positional:]
    plain = (inspect.Parameter.POSITIONAL_ONLY,)
    plain += (inspect.Parameter.POSITIONAL_OR_KEYWORD,)
    fits = len(first) == positional and all(p.kind in plain for p in first)
    keyword = inspect.Parameter.KEYWORD_ONLY
    others = [each for each in rest if each.kind != keyword]
    if not fits or others or (rest and positional == 1):
        what = {1: "one argument", 2: "logits, labels and, after *, options"}
        raise InputError(
            f"{told}: {function.__name__}{inspect.signature(function)} does "
            f"not fit; expected {what[positional]}"
        )
    return [each.name for each in rest]


def in_use(function: Callable, told: str) -> Callable:
    """The function, with what it raises told in one line.

    Its own InputError passes as it is. Any other error is chained, so that a
    notebook shows its traceback.

    Args:
      told: its kind and name.
    """
    code = getattr(function, "__code__", None)

    @functools.wraps(function)
    def safe(first, *others, **options):
        try:
            return function(first, *others, **options)
        except InputError:
            raise
        except Exception as error:
            shape = getattr(first, "shape", None)
            on = "" if shape is None else f" on {shape}"
            why = reason(error, lambda f: code and f == code.co_filename)
            raise InputError(
                f"{told} of the plug-in {function.__module__} fails{on}: {why};"
                " mend it"
            ) from error

    return safe


def reason(error: BaseException, is_own: Callable[[str], bool]) -> str:
    """What went wrong, and in which line of which file.

    Args:
      is_own: whether a path is the plug-in's, whose last line is told.
    """
    text = str(error)
    if isinstance(error, SyntaxError):
        # Its text repeats the place.
        file, line, text = error.filename, error.lineno, error.msg
    else:
        frames = traceback.extract_tb(error.__traceback__)
        last = ([f for f in frames if is_own(f.filename)] or frames)[-1]
        file, line = last.filename, last.lineno
    words = [f"{type(error).__name__}:", *text.split()]
    return f"{' '.join(words)} ({Path(str(file)).name}, line {line})"


def check_rule(function: Callable, name: str) -> None:
    """Ask a rule for NumPy logits of three exits, together and one by one."""
    # `--help` waits for no more than it needs.
    import numpy as np

    logits = np.random.default_rng(0).normal(0, 3, (4, 3, 5)).astype("float32")
    found = np.asarray(function(logits))
    alone = [np.asarray(function(logits[:, [k]])) for k in range(3)]
    if found.shape != (4, 3):
        raise InputError(
            f"exit rule {name!r} returns {found.shape} for logits (4, 3, 5); "
            "expected a certainty for each image and exit, (4, 3)"
        )
    if not ((found > 0) & (found <= 1)).all():
        raise InputError(
            f"exit rule {name!r} returns {found.min():.3g} to "
            f"{found.max():.3g}; expected certainty in (0, 1], larger where an "
            "exit is surer"
        )
    if not np.allclose(np.concatenate(alone, axis=1), found, atol=1e-5):
        raise InputError(
            f"exit rule {name!r} looks at several exits at once; expected the "
            "certainty of each exit by its own logits, since exits are "
            "computed one after the other"
        )
