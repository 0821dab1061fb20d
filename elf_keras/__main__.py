"""All commands by one name: `elf-keras train …`, `python -m elf_keras train …`.

Without a command it lists them. Each is a module of its own, too, as in
`python -m elf_keras.train`.
"""

import ast
import difflib
import pathlib
import runpy
import sys

import elf_keras

COMMANDS = (
    *("train", "evaluate", "sweep", "search"),
    *("export", "report", "predict", "demo"),
)
_STATUS_OF_WRONG_INPUT = 2


def main() -> None:
    """Run the command that the first word names."""
    name, *rest = sys.argv[1:] or ["--help"]
    if name == "help" and rest:
        name, rest = rest[0], ["--help"]
    if name in COMMANDS:
        sys.argv = [f"{sys.argv[0]} {name}", *rest]
        runpy.run_module(f"elf_keras.{name}", run_name="__main__")
    elif name in ("--help", "-h", "help"):
        print(_listed())
    elif name == "--version":
        print(f"elf_keras {elf_keras.__version__}")
    else:
        near = difflib.get_close_matches(name, COMMANDS, n=1)
        hint = f"did you mean {near[0]}? " if near else ""
        print(
            f"error: {name!r} is not a command; {hint}expected one of "
            f"{', '.join(COMMANDS)}",
            file=sys.stderr,
        )
        sys.exit(_STATUS_OF_WRONG_INPUT)


def _listed():
    """The commands, each with the first line of its own help."""
    width = max(map(len, COMMANDS))
    lines = [f"  {name:{width}}  {_about(name)}" for name in COMMANDS]
    return "\n".join(
        [
            "usage: elf-keras COMMAND --flag=value …",
            "",
            *lines,
            "",
            "elf-keras COMMAND --help explains a command and its flags.",
        ]
    )


def _about(name):
    """Read, not imported: a command loads what it needs."""
    package = pathlib.Path(__file__).parent
    paths = package / f"{name}.py", package / name / "__main__.py"
    (path,) = [path for path in paths if path.exists()]
    text = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
    return text.partition("\n")[0]


if __name__ == "__main__":
    main()
