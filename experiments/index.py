"""experiments/README.md: every row of the papers' tables, and its recipe.

python -m experiments.index            writes it
python -m experiments.index --check    fails where it is out of date

What the papers print is in paper_tables.json; what was measured here in
results/*.json. A result stands in a cell whose recipe and flags it has, with
its own number of epochs.
"""

import argparse
import collections
import json
import pathlib
import sys

from elf_keras import runs
from experiments.tables import chosen, load, spread

FOLDER = pathlib.Path(__file__).parent
README = FOLDER / "README.md"
TRAIN = "python -m elf_keras.train --flagfile=experiments/"
# Flags of a result that do not make it another experiment.
INCIDENTAL = (
    *("--seed", "--mixed_precision", "--validation_fraction", "--weights"),
    *("--epochs", "--data_dir", "--workdir", "--resume"),
    # The default.
    "--exit_head=pooled",
)
# Without a validation split a run learns from more images, and has no policy.
UNCUT = "--validation_fraction=0"
HEAD = """# Recipes

A *recipe* is a file of flags. This page lists every row of the papers' tables
with the recipe and the flags that repeat it, and then all recipes. It is made
from `paper_tables.json`, the recipes and `results/*.json` by `python -m
experiments.index`. Every row starts with

```text
elf-keras train --recipe=RECIPE FLAGS --data_dir=FOLDER --workdir=RUN
```

RECIPE is the recipe's name without `.flags`; FLAGS are those of the row and of
the column. The header of each recipe says what it claims, what to expect, and
how long it takes on which hardware.

- `--epochs=30` shortens a CIFAR recipe to 30 epochs and scales every epoch
  number in it.
- Recipes of a second stage (cRT, LWS, τ-norm, logit adjustment) start from a
  trained run: add `--weights=FIRST/model.keras`, with FIRST the
  folder of that run.
- The command takes all GPUs of one machine, or else the CPU. For several
  machines, see `docs/tutorials/several_gpus.md`.

How to read a cell:

- First comes the accuracy that the paper prints, in brackets the compute that
  it saves against cross-entropy.
- Then, in *italics*, what was measured here; a dash: not run. The first number
  is the accuracy of the last exit alone, in percent, at the last epoch, on the
  test split. It is the mean over classes, which on these balanced test sets is
  top-1. With several seeds it is the mean ± half the range.
- *dynamic* is the accuracy of the policy `accurate`, which validation chose for
  the best epoch's model. In brackets is the compute that it saves, with the
  exits' own cost counted.
- A tenth of the training images is kept for validation, except where it says
  *all training images*. Those runs have no validation images to choose a policy
  on, so no *dynamic*: `docs/tutorials/papers_row.md` scores them by thresholds
  that shorter runs chose.
- The CIFAR runs that were measured here add `--mixed_precision=bfloat16`, and
  so do the times of recipes that name it.

30 epochs are not 200: `FINDINGS.md` says what they can and cannot tell.
"""


def cells_of(table: dict, row: dict) -> list[dict]:
    """Recipe, flags and printed score of every cell of a row with a score."""
    return [
        {
            "recipe": f"{folder}/{row['recipe']}.flags",
            "flags": [*flags.split(), *row.get("flags", "").split()],
            "paper": score,
        }
        for (_, folder, flags), score in zip(
            table["columns"], row["paper"], strict=True
        )
    ]


def command(cell: dict) -> list[str]:
    """The words of the command that starts a cell."""
    return [f"--flagfile=experiments/{cell['recipe']}", *cell["flags"]]


def tables() -> list[dict]:
    """Return the papers' tables."""
    return json.loads((FOLDER / "paper_tables.json").read_text("utf-8"))


def ours(cell: dict, results: list[dict]) -> str:
    """What the runs of a cell scored, by number of epochs; empty without."""
    found = collections.defaultdict(list)
    for result in results:
        words = result["command"].split()[3:]
        if _essential(words) == _essential(command(cell)):
            images = ", all training images" * (UNCUT in words)
            found[len(result["history"]) - 1, images].append(result)
    return ", ".join(
        f"{_scores(group)}, {epochs} epochs{images}"
        for (epochs, images), group in sorted(found.items())
    )


def text(results: list[dict]) -> str:
    """Return the whole page."""
    parts = [HEAD]
    for table in tables():
        parts.append(f"## {table['table']}\n\n{table['title']}.\n")
        parts.append(_table(table, results))
    parts.append("## Recipes\n")
    parts.append(_recipes())
    return "\n".join(parts)


def main() -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true")
    options = parser.parse_args()
    fresh = text(load())
    if options.check:
        if not README.exists() or README.read_text("utf-8") != fresh:
            sys.exit(
                f"{README} is out of date: run python -m experiments.index"
            )
        return
    runs.write_text(README, fresh)


def _table(table, results):
    names = [name for name, *_ in table["columns"]]
    lines = [_line(["row", "recipe, flags", *names])]
    lines.append(_line(["---"] * (2 + len(names))))
    folders = [flags for _, _, flags in table["columns"]]
    if any(folders):
        lines.append(_line(["", "*flags of the column*", *map(_code, folders)]))
    for row in table["rows"]:
        cells = cells_of(table, row)
        recipes = dict.fromkeys(cell["recipe"] for cell in cells)
        links = ", ".join(f"[{name}]({name})" for name in recipes)
        lines.append(
            _line(
                [
                    row["row"],
                    f"{links} {_code(row.get('flags', ''))}".strip(),
                    *(_cell(cell, results) for cell in cells),
                ]
            )
        )
    return "\n".join(lines) + "\n"


def _cell(cell, results):
    if cell["paper"] is None:
        return ""
    return f"{cell['paper']}; {ours(cell, results) or '–'}"


def _scores(group):
    tests = [result["metrics"]["test"]["last"] for result in group]
    static = spread([test["static"]["accuracy"] for test in tests])
    points = [point for result in group if (point := chosen(result))]
    if not points:
        return f"*{static}*"
    dynamic = spread([point["accuracy"] for point in points])
    saving = spread([point["saving"] for point in points])
    return f"*{static}*, dynamic *{dynamic}* ({saving} %)"


def _recipes():
    """Every recipe with what its header says of hardware and time."""
    lines = [_line(["recipe", "claim", "hardware, time"]), _line(["---"] * 3)]
    for path in sorted(FOLDER.rglob("*.flags")):
        if path.parent.name == "base":
            continue
        header = path.read_text("utf-8").splitlines()[:5]
        said = [line.partition(": ")[2] for line in header]
        name = path.relative_to(FOLDER).as_posix()
        lines.append(_line([f"[{name}]({name})", said[0], said[4]]))
    return "\n".join(lines) + "\n"


def _essential(words):
    """The flags that make the experiment."""
    return {word for word in words if not word.startswith(INCIDENTAL)}


def _code(flags):
    return f"`{flags}`" if flags else ""


def _line(cells):
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    main()
