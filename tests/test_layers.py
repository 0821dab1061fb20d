"""Imports point down only, and the lowest row is light."""

import ast
import graphlib
import pathlib
import subprocess
import sys

import pytest

PACKAGE = pathlib.Path(__file__).resolve().parent.parent / "elf_keras"
# A file of a package has the package's row unless it has its own here.
ROWS = (
    "elf_keras errors choices cluster fleets class_weights long_tail runs "
    "array_namespace exit_rule certainty tables train_threshold policy_rules "
    "policy_file sweep_table search_table calibration silence export_table "
    "demo_server deploy.chain_runner preemption",
    "replicas workers multi_worker strategies batch_normalization blocks "
    "classifier exit_heads exit_record layer_graph backbones losses schedules "
    "metrics reports.run_folder reports.score_table tensorflow_files",
    "multi_exit_model multi_exit bilateral manifold_mixup inference flops "
    "callbacks checkpoints answers data second_stage post_hoc watchdogs "
    "mid_epoch rollback determinism",
    "training epoch_run thresholds candidates scorer loss_by_exit evaluation "
    "run_record shot_guard policy_picker policies "
    "dry_run plan stage_times trade_off sweep_record reports plots deploy",
    "flag_definitions command_flags output_flag run_flags cli policy_flags "
    "second_stage_flags builders epoch_flags",
    "train evaluate sweep search export report predict demo",
)
COMMANDS = len(ROWS) - 1
ROW = {name: row for row, names in enumerate(ROWS) for name in names.split()}


def module_of(path):
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return ".".join(part for part in parts if part != "__init__") or "elf_keras"


FILES = {module_of(path): path for path in PACKAGE.rglob("*.py")}


def row(module):
    package = module.partition(".")[0]
    known = module if module in ROW else package
    assert known in ROW, f"{module} has no row yet: add it to ROWS"
    return ROW[known]


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


IMPORTS = {module: set(imported(path)) for module, path in FILES.items()}


@pytest.mark.parametrize("module", sorted(FILES))
def test_imports_point_down(module):
    # A command is the end: its own row is out of reach, too.
    highest = min(row(module), COMMANDS - 1)
    assert [name for name in IMPORTS[module] if row(name) > highest] == []


def test_no_circles():
    graphlib.TopologicalSorter(IMPORTS).prepare()


def test_the_lowest_row_and_the_flags_load_no_framework():
    light = [name for name in FILES if row(name) == 0] + ["elf_keras.cli"]
    imports = "".join(
        f"import elf_keras.{name.removeprefix('elf_keras.')}\n"
        for name in light
        if name != "elf_keras"
    )
    check = "assert not {'keras', 'tensorflow'} & set(sys.modules)"
    code = f"import sys, elf_keras\n{imports}{check}"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=PACKAGE.parent)
