"""Imports point down by rows of packages, and light packages stay light."""

import ast
import graphlib
import pathlib
import subprocess
import sys

import pytest

PACKAGE = pathlib.Path(__file__).resolve().parent.parent / "elf_keras"
ROWS = (
    "errors choices",
    "plugins",
    "exits distribution runs",
    "losses models data",
    "evaluation",
    "policies training",
    "deploy reports cli",
    "library",
    "train evaluate sweep search export report predict demo",
)
COMMANDS = len(ROWS) - 1
ROW = {name: row for row, names in enumerate(ROWS) for name in names.split()}
# What --help and wrong flags need, and what runs without the framework.
LIGHT = [
    *ROWS[COMMANDS].split(),
    *("cli.data_from_flags", "cli.thresholds_from_flags", "cli.tables"),
    *("plugins", "cli.plugin_flags"),
    *("exits.thresholds", "distribution.cluster", "runs"),
    *("training.schedules", "policies.policy_rules", "policies.policy_file"),
    *("policies.search_record", "reports.run_folder", "deploy.chain_runner"),
    "deploy.versions",
    *("demo.__main__", "demo.server"),
]


def module_of(path):
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return ".".join(part for part in parts if part != "__init__") or "elf_keras"


FILES = {module_of(path): path for path in PACKAGE.rglob("*.py")}


def imported(path):
    """Modules of the package that a file imports, wherever it does so."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{path.name} has a relative import"
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        else:
            continue
        for name in names:
            inside = name.startswith("elf_keras.")
            name = name.removeprefix("elf_keras.")
            while inside and name and name not in FILES:
                name = name.rpartition(".")[0]
            if inside:
                yield name or "elf_keras"


def reads_flags(path):
    return "absl" in path.read_text()


IMPORTS = {module: set(imported(path)) for module, path in FILES.items()}


def room(module):
    """The package or command of a module."""
    return module.partition(".")[0]


def allowed(module, other):
    """Whether a module may import another one."""
    here, there = room(module), room(other)
    return here == there or ROW[there] < ROW[here]


def test_every_room_has_a_row():
    # `__main__` runs a command by its name, and imports none.
    rooms = {room(module) for module in FILES} - {"elf_keras", "__main__"}
    assert rooms == set(ROW)


@pytest.mark.parametrize("module", sorted(set(FILES) - {"elf_keras"}))
def test_imports_point_down(module):
    assert [o for o in IMPORTS[module] if not allowed(module, o)] == []


def test_no_circles():
    graphlib.TopologicalSorter(IMPORTS).prepare()


def test_flags_are_read_in_cli_and_the_commands_alone():
    readers = {
        room(module) for module, path in FILES.items() if reads_flags(path)
    }
    assert readers == {"cli", *ROWS[COMMANDS].split()}


def test_light_packages_and_the_flags_load_no_framework():
    assert set(LIGHT) <= set(FILES)
    imports = "".join(f"import elf_keras.{name}\n" for name in LIGHT)
    check = "assert not {'keras', 'tensorflow'} & set(sys.modules)"
    code = f"import sys, elf_keras\n{imports}{check}"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=PACKAGE.parent)


def test_the_architecture_page_names_every_room():
    page = (PACKAGE.parent / "docs" / "architecture.md").read_text()
    rows = page.partition("```")[2].partition("```")[0]
    drawn = [line.split()[1:] for line in rows.split("\n") if line.strip()]
    assert drawn == [names.split() for names in ROWS]
    for name in ROW:
        assert f"`{name}" in page
