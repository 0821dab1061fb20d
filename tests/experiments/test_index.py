"""The index of the papers' tables: complete, current, and it starts."""

import command_runs
import pytest

from experiments import index, tables

CELLS = [
    (table["table"], row["row"], column[0], cell)
    for table in index.tables()
    for row in table["rows"]
    for column, cell in zip(
        table["columns"], index.cells_of(table, row), strict=True
    )
    if cell["paper"] is not None
]
NAMES = [" ".join(words[:3]) for words in CELLS]


def test_every_row_of_every_table_is_there():
    rows = {table["table"]: len(table["rows"]) for table in index.tables()}
    assert rows == {
        "ELF, Table 1": 11,
        "ELF, Table 2": 10,
        "ELF, Table 3": 6,
        "HAR, Table I": 10,
        "HAR, Table II": 8,
        "HAR, Table III": 9,
        "HAR, Table IV": 7,
        "HAR, Table V": 5,
    }


def test_the_page_is_what_recipes_and_results_make():
    fresh = index.text(tables.load())
    assert index.README.read_text(encoding="utf-8") == fresh, (
        "run python -m experiments.index"
    )


@pytest.mark.parametrize("cell", [words[3] for words in CELLS], ids=NAMES)
def test_a_cell_is_a_recipe_with_flags_that_parse(cell, monkeypatch):
    monkeypatch.chdir(command_runs.CHECKOUT)
    with command_runs.fresh_flags(*index.command(cell)) as flags:
        folder = cell["recipe"].partition("/")[0]
        on_cifar = flags.dataset.startswith("cifar")
        assert on_cifar == (folder == "cifar10_lt")
        assert on_cifar or flags.dataset == folder


def result(words, accuracy, epochs=30):
    scores = {"static": {"accuracy": accuracy}}
    return {
        "command": f"python -m elf_keras.train {words}",
        "history": ["epoch"] + ["1"] * epochs,
        "metrics": {"test": {"last": scores}},
    }


def test_runs_stand_in_the_cell_of_their_experiment():
    recipe = "--flagfile=experiments/cifar10_lt/ce.flags"
    results = [
        result(f"{recipe} --epochs=30 --seed=0 --exit_head=pooled", 0.5),
        result(f"{recipe} --epochs=30 --seed=1 --data_dir=x --resume", 0.54),
        result(f"{recipe} --imbalance=50", 0.9),
        result(f"{recipe} --learning_rate=0.05", 0.1),
        result(f"{recipe} --mixed_precision=bfloat16", 0.7, epochs=200),
        result(f"{recipe} --validation_fraction=0", 0.8, epochs=200),
        result("--flagfile=experiments/cifar10_lt/ce_drw.flags", 0.2),
    ]
    cell = {"recipe": "cifar10_lt/ce.flags", "flags": []}
    assert (
        index.ours(cell, results)
        == "*52.0 ± 2.0*, 30 epochs, *70.0*, 200 epochs, "
        "*80.0*, 200 epochs, all training images"
    )
    other = {**cell, "flags": ["--imbalance=50"]}
    assert index.ours(other, results) == "*90.0*, 30 epochs"
    assert index.ours({**cell, "flags": ["--imbalance=10"]}, results) == ""
