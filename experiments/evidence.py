"""The runs behind experiments/FINDINGS.md: start what is missing, collect.

python -m experiments.evidence --data_dir=../shared/data

Trains one run after the other, each in a process of its own, resuming what
was interrupted, and writes experiments/results/NAME.json as each one ends.
`--collect` only writes the results of runs that are there.
"""

import argparse
import pathlib
import shutil
import subprocess
import sys

from elf_keras import runs
from elf_keras.policies import policy_file
from experiments import planned_runs

RESULTS = pathlib.Path(__file__).parent / "results"
# Models of full length, so that any rule or τ can be scored later.
MODELS = pathlib.Path(__file__).parent / "models"


def collect(name: str, folder: pathlib.Path) -> bool:
    """Write the result of a finished run; return whether there was one.

    Of a run of full length, its model, too.
    """
    metrics = folder / runs.METRICS
    if not metrics.exists():
        return False
    if name.startswith("full_") and (folder / runs.MODEL).exists():
        MODELS.mkdir(exist_ok=True)
        shutil.copyfile(folder / runs.MODEL, MODELS / f"{name}.keras")
    record = runs.read_json(folder / runs.RECORD)
    history = (folder / "history.csv").read_text().splitlines()
    runs.write_json(
        RESULTS / f"{name}.json",
        {
            "name": name,
            "command": " ".join(
                ["python -m elf_keras.train", *record["command"][1:]]
            ),
            "commit": record["git_revision"],
            "run": record,
            "metrics": runs.read_json(metrics),
            "policy": _policy(folder / policy_file.NAME),
            "history": history,
        },
    )
    return True


def main() -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", help="only runs that begin so")
    parser.add_argument("--data_dir", default="../shared/data")
    parser.add_argument(
        "--runs", type=pathlib.Path, default=pathlib.Path("runs")
    )
    parser.add_argument("--head", choices=planned_runs.HEADS, default="pooled")
    parser.add_argument("--collect", action="store_true")
    parser.add_argument("--list", action="store_true")
    options = parser.parse_args()
    plan = planned_runs.of(options.head)
    for name, flags in plan.items():
        if not name.startswith(tuple(options.names) or ("",)):
            continue
        folder = options.runs / name
        flags = [flag.format(runs=options.runs) for flag in flags]
        if options.list:
            print(name, *flags)
            continue
        there = (RESULTS / f"{name}.json").exists()
        if there and not options.collect:
            continue
        if not options.collect:
            if any(flag.startswith("--weights=") for flag in flags):
                first = options.runs / planned_runs.FIRST_STAGE
                _train(first, plan[planned_runs.FIRST_STAGE], options.data_dir)
            _train(folder, flags, options.data_dir)
            _sweep(folder, flags, options.data_dir)
        if collect(name, folder):
            print(f"{name}: collected", flush=True)


def _policy(path):
    """What a sweep chose, without where and by which command it ran."""
    if not path.exists():
        return None
    record = runs.read_json(path)
    return {name: record[name] for name in ("chosen_on", "guard", "policies")}


def _train(folder, flags, data_dir):
    folder.parent.mkdir(parents=True, exist_ok=True)
    _run(folder, "train", *flags, *_data(flags, data_dir), "--resume")


def _sweep(folder, flags, data_dir):
    """Choose policies, where there are early exits and a split to choose on."""
    record = runs.read_json(folder / runs.RECORD)
    if len(record["model"]["exits"]) > 1 and (
        "validation" in record["data"]["images"]
        and planned_runs.DIGITS not in flags[0]
    ):
        _run(folder, "sweep", *_data(flags, data_dir))


def _data(flags, data_dir):
    if planned_runs.DIGITS in flags[0]:
        return ()
    return (
        (f"--data_dir={data_dir}/gtsrb",)
        if "gtsrb" in flags[0]
        else (f"--data_dir={data_dir}",)
    )


def _run(folder, command, *words):
    command = [sys.executable, "-m", f"elf_keras.{command}", *words]
    command.append(f"--workdir={folder}")
    with (folder.parent / f"{folder.name}.log").open("a") as log:
        subprocess.run(command, stdout=log, stderr=log, check=True)


if __name__ == "__main__":
    main()
