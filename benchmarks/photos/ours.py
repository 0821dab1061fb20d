"""A recipe of this project, by its commands: trained, swept, scored."""

import dataclasses
import pathlib
import subprocess
import sys

from benchmarks.photos import units
from elf_keras import runs
from elf_keras.deploy import versions
from elf_keras.policies import policy_file, policy_rules

CHECKOUT = pathlib.Path(__file__).resolve().parents[2]
RECIPE = CHECKOUT / "experiments" / "photos.flags"
# Share of the backbone's multiply-adds.
BUDGET = "0.7"
# One threshold for all exits: a few hundred validation images choose one
# threshold per exit too well for themselves.
BUDGETED = "macs_70"


@dataclasses.dataclass(frozen=True)
class Run:
    """A run of the recipe: its folder, its images, and how commands start.

    Attributes:
      folder: of the run; its log lies beside it.
      data_dir: of the images.
    """

    folder: pathlib.Path
    data_dir: pathlib.Path

    def call(self, command: str, *words: str) -> None:
        """Run a command of the project in a process of its own.

        Raises:
          SystemExit: naming the log, where it fails.
        """
        log = self.folder.with_suffix(".log")
        log.parent.mkdir(parents=True, exist_ok=True)
        line = [sys.executable, "-m", f"elf_keras.{command}", *words]
        line += [
            f"--workdir={self.folder.resolve()}",
            f"--data_dir={self.data_dir.resolve()}",
        ]
        with log.open("a") as file:
            status = subprocess.run(
                line, stdout=file, stderr=file, cwd=CHECKOUT
            ).returncode
        if status:
            raise SystemExit(f"elf_keras.{command} failed: {log} says why")


def train(run: Run, flags: list[str]) -> dict:
    """Train or go on, choose policies on validation, score them on test.

    Args:
      flags: of the train command, the recipe first.

    Returns:
      Seconds of training and of the whole command, scores by the table's
      rows, their policies, and images by split.
    """
    run.call("train", *flags, "--resume")
    run.call("sweep", f"--budget={BUDGET}")
    chosen = policies(run)
    record = runs.read_json(run.folder / runs.RECORD)
    alone = record["start"]["exits_first"], record.get("exits_last")
    seconds = record["training_seconds"] + sum(
        part["seconds"] for part in alone if part
    )
    # Of the code that trained, where it was before this process.
    made = {name: record[name] for name in ("git_revision", "versions")}
    return {
        **made,
        "seconds": seconds,
        "command_seconds": record["seconds_of_this_process"],
        "scores": {row: _scored(run, name) for row, name in chosen.items()},
        "policies": chosen,
        "images": record["data"]["images"],
        "best_epoch": record["best_epoch"],
        "peak_memory_bytes": record["peak_memory_bytes"],
    }


def policies(run: Run) -> dict[str, str]:
    """Return the policies that are compared, by the table's rows."""
    swept = runs.read_json(run.folder / policy_file.NAME)["policies"]
    found = {units.ACCURATE_ROW: policy_rules.ACCURATE}
    # Exit 1 alone may cost more.
    return found | ({units.BUDGET_ROW: BUDGETED} if BUDGETED in swept else {})


def export(run: Run, chosen: dict[str, str]) -> dict:
    """Export in int8: accuracies, milliseconds on one thread, peak memory.

    Those of `static` are of the backbone with its last exit alone, which is
    what the other methods ship.
    """
    output = run.folder.with_name(f"{run.folder.name}_export")
    run.call(
        "export",
        *(f"--output={output.resolve()}", "--formats=int8"),
        f"--policy_file={(run.folder / policy_file.NAME).resolve()}",
    )
    record = runs.read_json(versions.folder_of(output) / versions.MANIFEST)
    variant = record["variants"]["int8"]
    found = {"static": variant["static"]} | {
        row: variant["policies"][name] for row, name in chosen.items()
    }
    keys = "accuracy", "milliseconds"
    told = {row: {key: at[key] for key in keys} for row, at in found.items()}
    return told | {"peak_memory_bytes": record["peak_memory_bytes"]}


def _scored(run, policy):
    run.call("evaluate", f"--policy={policy}", "--split=test")
    record = runs.read_json(run.folder / "evaluation.json")
    found = record["splits"]["test"]["model"]["dynamic"]
    keys = "accuracy", "top1", "many", "medium", "few"
    scores = {key: found[key] for key in keys}
    return scores | {"macs": 1 - found["saving_with_heads"]}
