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

RESULTS = pathlib.Path(__file__).parent / "results"
# Models of full length, so that any rule or τ can be scored later.
MODELS = pathlib.Path(__file__).parent / "models"
CIFAR = "experiments/cifar10_lt"
SHORT = ("--epochs=30", "--mixed_precision=bfloat16")
# Its data come with scikit-learn; its header tells thresholds, no policies.
DIGITS = "digits_lt"
HEADS = ("conv", "pooled", "separable")
# At t = 2/C nobody leaves in 30 epochs with LDAM; see FINDINGS.md.
THRESHOLD = ("--train_threshold=1.6/C",)
# Searched with seed 0 only; half the learning rate did not help.
RATE = ("--learning_rate=0.05",)
SEARCH = {
    "har_ldam_drw_lr0.05_t1.6": (*RATE, *THRESHOLD),
    "ldam_drw_lr0.05": RATE,
    "sum_ldam_drw_lr0.05": RATE,
}
# Compared at 30 epochs, one seed; see FINDINGS.md. Recipes that train as
# another one and differ in who leaves are none: `exit_rules` compares rules.
RIVALS = (
    *("focal", "mixup", "mixup_drw", "manifold_mixup", "bbn"),
    *("balanced_softmax", "la", "vs", "ce_drs", "ldam_drs"),
    *("sum_weighted_ce_drw", "summed_ce_drw", "sum_distilled_ce_drw"),
    *("sum_patience_ce_drw", "har_balanced_softmax"),
)
# Trained by themselves and with `--leaving=removed`: what is lost where images
# that left are not computed any more. Not made so far.
LEFT_OUT = ("har_ce_drw", "har_balanced_softmax")
# What `best` was chosen from, on validation alone: name -> flags beside it. The
# first is its own.
CANDIDATES = {
    "best_plain_images": ("--auto_augment=none", "--cutout=0"),
    "best_autoaugment_cutout": ("--auto_augment=autoaugment", "--cutout=16"),
    "best_cutout": ("--auto_augment=none", "--cutout=16"),
    "best_averaged": ("--average_weights=0.99",),
    "best_har": ("--method=har", "--train_threshold=0.9"),
}
# Likewise of full length: heads without leaving, and a second seed.
FULL = (
    *(("ldam_drw", 0), ("har_ldam_drw", 0), ("sum_ldam_drw", 0)),
    *(("ldam_drw", 1), ("sum_ldam_drw", 1), ("har_ldam_drw", 1)),
)
# Second stages of the plain run.
SECOND_STAGES = ("crt", "lws", "tau_norm", "logit_adjustment")
FIRST_STAGE = "ce_seed0"


def planned(head: str) -> dict[str, tuple[str, ...]]:
    """Return name -> flags of every run, in the order they are to be made.

    Args:
      head: the form of the early exits in all but the first three runs.
    """
    found = {
        f"head_{form}_seed0": (
            f"--flagfile={CIFAR}/har_ldam_drw.flags",
            *SHORT,
            "--seed=0",
            f"--exit_head={form}",
        )
        for form in HEADS
    }
    for seed in (0, 1):
        for recipe in (
            *("har_ldam_drw", "ldam_drw", "sum_ldam_drw"),
            *("har_ce_drw", "ce_drw", "sum_ce_drw"),
        ):
            flags = _cifar(recipe, head, seed)
            # One of the runs that chose the head is this very run; another
            # seed of it would be the plain sum again: at its t nobody leaves.
            if flags not in found.values() and recipe != "har_ldam_drw":
                found[f"{recipe}_seed{seed}"] = flags
        flags = _cifar("har_ldam_drw", head, seed)
        found[f"har_ldam_drw_t1.6_seed{seed}"] = (*flags, *THRESHOLD)
    for name, other in SEARCH.items():
        recipe = name.partition("_lr")[0]
        found[f"{name}_seed0"] = (*_cifar(recipe, head, 0), *other)
    for recipe in ("ce", "focal_drw"):
        found[f"{recipe}_seed0"] = _cifar(recipe, head, 0)
    for recipe in RIVALS:
        found[f"{recipe}_seed0"] = _cifar(recipe, head, 0)
    for recipe in SECOND_STAGES:
        found[f"{recipe}_seed0"] = (
            f"--flagfile={CIFAR}/{recipe}.flags",
            *("--mixed_precision=bfloat16", "--seed=0"),
            f"--weights={{runs}}/{FIRST_STAGE}/{runs.MODEL}",
        )
    for tap in (1, 2, 3):
        flags = _cifar("har_ldam_drw", head, 0)
        found[f"tap{tap}_seed0"] = (*flags, *THRESHOLD, f"--exits={tap}")
    for method in ("single", "sum", "har"):
        found[f"gtsrb_{method}_seed0"] = (
            "--flagfile=experiments/gtsrb.flags",
            "--mixed_precision=bfloat16",
            f"--method={method}",
            f"--exit_head={head}",
        )
    for seed in (0, 1):
        for recipe in LEFT_OUT:
            flags = _cifar(recipe, head, seed)
            found[f"{recipe}_seed{seed}"] = flags
            name = f"{recipe}_removed_seed{seed}"
            found[name] = (*flags, "--leaving=removed")
    for name, other in CANDIDATES.items():
        found[f"{name}_seed0"] = (*_cifar("best", head, 0), *other)
    for recipe, seed in FULL:
        found[f"full_{recipe}_seed{seed}"] = (
            f"--flagfile={CIFAR}/{recipe}.flags",
            *("--mixed_precision=bfloat16", f"--seed={seed}"),
            *("--validation_fraction=0", f"--exit_head={head}"),
        )
    found[f"{DIGITS}_seed0"] = (f"--flagfile=experiments/{DIGITS}.flags",)
    return found


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
    parser.add_argument("--head", choices=HEADS, default="pooled")
    parser.add_argument("--collect", action="store_true")
    parser.add_argument("--list", action="store_true")
    options = parser.parse_args()
    plan = planned(options.head)
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
                first = options.runs / FIRST_STAGE
                _train(first, plan[FIRST_STAGE], options.data_dir)
            _train(folder, flags, options.data_dir)
            _sweep(folder, flags, options.data_dir)
        if collect(name, folder):
            print(f"{name}: collected", flush=True)


def _cifar(recipe, head, seed):
    flags = (f"--flagfile={CIFAR}/{recipe}.flags", *SHORT, f"--seed={seed}")
    return (*flags, f"--exit_head={head}")


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
        "validation" in record["data"]["images"] and DIGITS not in flags[0]
    ):
        _run(folder, "sweep", *_data(flags, data_dir))


def _data(flags, data_dir):
    if DIGITS in flags[0]:
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
