"""What `--help` prints: the flags people need first, then all that are used."""

import sys
import textwrap
from collections.abc import Callable, Iterator

from absl import flags

from elf_keras import choices
from elf_keras.cli import recipe_flags, score_flags
from elf_keras.cli.usable_flags import COMMANDS, Usable

FLAGS = flags.FLAGS
WIDTH = 80
_COLUMN = 26
# Flags that stand for the lines of a file, whichever command reads them.
_FILES = {
    "recipe": (
        "--recipe=NAME",
        "Take the flags of a recipe that comes with the project, such as "
        "photos; --recipe=list shows all. Flags after it win.",
    ),
    "flagfile": (
        "--flagfile=FILE",
        "Take the flags in a file of yours, one in each line. Flags after it "
        "win.",
    ),
}
# What a value is; other flags say so by their type.
_VALUES = {
    "FOLDER": (
        *("workdir", "data_dir", "list_dir", "output", "export", "model"),
        "node_modules",
    ),
    "FILE": ("labels", "policy_file"),
    "NAME": ("policy", "backbone"),
    "WEIGHTS": ("weights",),
    "LAYER": ("frozen_until",),
    "RULE": ("validation_group",),
}
_TYPES = {"int": "N", "float": "X", "enum": "NAME", "list": "A,B,…"}


def page(main: Callable) -> str:
    """Return the help of the command that `main` is of, by its module.

    The docstring of that module is one line that says what the command does,
    example command lines, then paragraphs that say more.
    """
    name = main.__globals__["__spec__"].name.split(".")[1]
    what, example, *more = _paragraphs(main.__globals__["__doc__"])
    usable, own = COMMANDS[name], _own(main)
    first = [_in_short(name) for name in usable.first]
    texts = [what, "", textwrap.indent(example, "  "), ""]
    texts += ["The flags that most people need:", *first, ""]
    texts += ["\n\n".join(more), ""]
    if not usable.trains and usable.run:
        texts += [_AS_TRAINED, ""]
    for title, rows in _groups(usable, own):
        texts += [f"{title}:", *rows, ""]
    return "\n".join(texts).rstrip()


_AS_TRAINED = """\
A flag that is left out has the value that the run was trained with. Flags of a
recipe that are not listed are accepted, too: they describe the training, and
there is no reason to change them here."""


def _groups(usable: Usable, own) -> Iterator[tuple[str, list[str]]]:
    """Titles, and the entries below them."""
    if own:
        yield usable.own, [_entry(flag) for flag in own]
    finished = [FLAGS[name] for name in usable.finished]
    if finished:
        yield "Finished run", [_entry(flag) for flag in finished]
    for title in recipe_flags.titles():
        found = [
            f for f in recipe_flags.of_group(title) if usable.takes(f.name)
        ]
        if found:
            told = {"default": usable.trains, "compares": usable.compares}
            yield title, [_entry(flag, **told) for flag in found]
    names = _FILES if usable.trains else ["flagfile"]
    yield "Flags in files", [_row(*_FILES[name]) for name in names]


def _own(main):
    """Flags that the command's module defines, which may be the script."""
    module = main.__globals__["__name__"]
    key = sys.argv[0] if module == "__main__" else module
    return FLAGS.flags_by_module_dict().get(key, [])


def _in_short(name):
    """A flag with the first sentence of its text."""
    if name in _FILES:
        shown, text = _FILES[name]
    else:
        flag = FLAGS[name]
        shown, text = _name(flag), _text(flag)
    first, more, _ = text.partition(". ")
    return _row(shown, first + more.strip())


def _entry(flag, *, default=True, compares=True):
    """A flag with its value, its text, its choices and its default."""
    text, names = _text(flag), _choices(flag)
    if not compares:
        text = text.replace(score_flags.ALL_RULES_TOLD, "")
        names = [name for name in names if name != choices.ALL_RULES]
    if names:
        text += f" One of: {', '.join(names)}."
    value = _default(flag)
    if default and value and "Default:" not in text:
        text += f" Default: {value}."
    return _row(_name(flag), text)


def _choices(flag):
    return getattr(flag.parser, "enum_values", [])


def _text(flag):
    """Its help, without what absl puts before and after it."""
    text = flag.help.partition(";\n    repeat this option")[0]
    return text.partition(">: ")[2] if _choices(flag) else text


def _name(flag):
    if flag.boolean:
        return f"--[no]{flag.name}"
    for value, names in _VALUES.items():
        if flag.name in names:
            return f"--{flag.name}={value}"
    words = flag.flag_type().split()
    value = next((_TYPES[word] for word in words if word in _TYPES), "…")
    return f"--{flag.name}={value}"


def _default(flag):
    if flag.boolean:
        return "yes" if flag.default else ""
    if isinstance(flag.default, list):
        return ",".join(map(str, flag.default))
    return "" if flag.default is None else str(flag.default)


def _row(name, text):
    """A name, and its text beside it or, for a long one, below it."""
    lines = textwrap.wrap(text, WIDTH - _COLUMN, break_on_hyphens=False)
    blank = " " * _COLUMN
    start = f"  {name}"
    if len(start) > _COLUMN - 2:
        lines = [start, *(blank + line for line in lines)]
    else:
        first, *rest = lines
        lines = [start.ljust(_COLUMN) + first, *(blank + x for x in rest)]
    return "\n".join(lines)


def _paragraphs(text):
    return text.strip().split("\n\n")
