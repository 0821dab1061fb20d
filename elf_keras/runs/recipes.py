"""Recipes that come with the project: command lines in files, by name.

A recipe is `experiments/NAME.flags` of a checkout, and the same file inside an
installed package. Its first line says what it is good for.
"""

import difflib
import pathlib
from collections.abc import Sequence

from elf_keras.errors import InputError

# In place of a name: all of them are told.
LIST = "list"
_ENDING = ".flags"
# Parts of recipes, none of its own.
_PARTS = "base"
_CLAIM = "# Claim: "


def folder() -> pathlib.Path:
    """Where the recipes are."""
    package = pathlib.Path(__file__).parents[1]
    inside = package / "recipes"
    return inside if inside.is_dir() else package.parent / "experiments"


def names() -> list[str]:
    """Names such as `photos` and `cifar10_lt/har_ldam_drw`, in order."""
    found = [
        path.relative_to(folder()).with_suffix("")
        for path in folder().rglob(f"*{_ENDING}")
    ]
    return sorted(path.as_posix() for path in found if _PARTS not in path.parts)


def path(name: str) -> pathlib.Path:
    """Return the file of a recipe, or of a part of recipes.

    Raises:
      InputError: where there is none of that name, naming the nearest.
    """
    parts = sorted((folder() / _PARTS).glob(f"*{_ENDING}"))
    known = [*names(), *(f"{_PARTS}/{part.stem}" for part in parts)]
    if name in known:
        return folder() / f"{name}{_ENDING}"
    near = _nearest(name, known)
    hint = f"did you mean {' or '.join(near)}? " if near else ""
    raise InputError(
        f"--recipe={name}: there is no recipe of that name; {hint}"
        f"--recipe={LIST} shows all, and --flagfile takes a file of your own"
    )


def _nearest(name, known):
    """Names in any folder that end as this one, else those spelt alike."""
    # Paths of recipes' files are names, too, but for their beginning and end.
    name = name.lower().removesuffix(_ENDING)
    whole = [each for each in known if f"/{name}".endswith(f"/{each}")]
    same = [each for each in known if each.rpartition("/")[2] == name]
    return whole or same or difflib.get_close_matches(name, known, n=3)


def are_asked_for(words: Sequence[str]) -> bool:
    """Whether a command line is to show all recipes."""
    pairs = zip(words, words[1:], strict=False)
    return f"--recipe={LIST}" in words or ("--recipe", LIST) in pairs


def table() -> list[tuple[str, str]]:
    """Every recipe's name, and what it claims."""
    return [(name, _claim(path(name))) for name in names()]


def _claim(file):
    first, _, _ = file.read_text(encoding="utf-8").partition("\n")
    return first.removeprefix(_CLAIM)
