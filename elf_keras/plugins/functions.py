"""Whether a function fits what it is registered as, and what it takes."""

import inspect
from collections.abc import Callable

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


def check_rule(function: Callable, name: str) -> None:
    """Ask a rule for NumPy logits of three exits, together and one by one."""
    # `--help` waits for no more than it needs.
    import numpy as np

    logits = np.random.default_rng(0).normal(0, 3, (4, 3, 5)).astype("float32")
    try:
        found = np.asarray(function(logits))
        alone = [np.asarray(function(logits[:, [k]])) for k in range(3)]
    except Exception as error:
        raise InputError(
            f"exit rule {name!r} fails on NumPy logits (4, 3, 5): "
            f"{type(error).__name__}: {error}"
        ) from error
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
