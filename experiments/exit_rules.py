"""Which images should leave: exit rules and answers, on one and the same model.

python -m experiments.exit_rules --run=RUN   sweeps a run by each of them
python -m experiments.exit_rules             writes the table into FINDINGS.md
python -m experiments.exit_rules --check     fails where it is out of date

A rule trains nothing, so a single trained model tells rules apart better than
one training for each would. Thresholds are chosen on validation.
"""

import argparse
import itertools
import pathlib
import shutil
import subprocess
import sys
import tempfile

from elf_keras import runs
from elf_keras.exits import certainty
from elf_keras.policies import policy_file
from experiments import tables

FOLDER = pathlib.Path(__file__).parent
FINDINGS, RECORD = FOLDER / "FINDINGS.md", FOLDER / "exit_rules.json"
MARK = "exit_rules"
POLICIES = ("accurate", "macs_75", "macs_50", "macs_25")
# What a record calls the sweeps by each answer.
KEYS = {"own": "rules", "running": "running"}
COLUMNS = ("exit rule", *(f"`{name}` (saving)" for name in POLICIES))


def table(record: dict) -> str:
    """Return the table as Markdown, a row for each rule and answer.

    Args:
      record: `rules`, by own logits, and `running`: rule -> what a sweep by
        it wrote of its policies, None where there was none yet.
    """
    rows = []
    for key, said in (("rules", ""), ("running", ", running sums")):
        for rule in certainty.EXIT_RULES:
            found = record.get(key, {}).get(rule)
            rows.append([rule + said, *_cells(found)])
    return tables.markdown(COLUMNS, rows)


def _cells(found):
    if found is None:
        return ["not swept"] * len(POLICIES)
    scores = [found["policies"][name]["test"] for name in POLICIES]
    return [
        f"{tables.spread([each['accuracy']])} "
        f"({tables.spread([each['saving']])})"
        for each in scores
    ]


def sweep(folder: pathlib.Path, data_dir: str) -> dict:
    """Sweep a copy of a trained run by each of them; return all policies."""
    found = {key: {} for key in KEYS.values()}
    for answer, rule in itertools.product(KEYS, certainty.EXIT_RULES):
        words = [f"--exit_rule={rule}", f"--answer={answer}"]
        words.append(f"--data_dir={data_dir}")
        with tempfile.TemporaryDirectory() as name:
            copy = pathlib.Path(name, folder.name)
            left_out = shutil.ignore_patterns("checkpoints", "tensorboard")
            shutil.copytree(folder, copy, ignore=left_out)
            command = [sys.executable, "-m", "elf_keras.sweep", *words]
            subprocess.run([*command, f"--workdir={copy}"], check=True)
            made = runs.read_json(copy / policy_file.NAME)
        found[KEYS[answer]][rule] = {
            "command": f"python -m elf_keras.sweep {' '.join(words)} "
            f"--workdir=runs/{folder.name}",
            "commit": made["git_revision"],
            "policies": {name: made["policies"][name] for name in POLICIES},
        }
    return {"run": folder.name, **found}


def main() -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--run", type=pathlib.Path)
    parser.add_argument("--data_dir", default="../shared/data")
    options, rest = parser.parse_known_args()
    if options.run:
        runs.write_json(RECORD, sweep(options.run, options.data_dir))
    sys.argv[1:] = rest
    made = table(runs.read_json(RECORD))
    tables.publish(FINDINGS, MARK, lambda _: made, "experiments.exit_rules")


if __name__ == "__main__":
    main()
