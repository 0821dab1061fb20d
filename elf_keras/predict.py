"""Classify image files with a trained run, stopping early for real.

python -m elf_keras.predict --workdir=runs/gtsrb photo.png more/*.jpg

Prints one JSON line a file: class, confidence at the exit taken (or what
--exit_rule looks at, by its name), the exit (from 1), the multiply-adds spent,
and their share of the bare backbone's. A file that is no image gets a line
with "error"; the status is then 2. --policy=accurate takes the thresholds of a
sweep's policy.json. An export is asked by elf_keras.deploy.chain_runner, which
needs neither run nor Keras.
"""

import json
import sys

from absl import flags

from elf_keras import runs
from elf_keras.cli import (
    command,
    thresholds_from_flags,
    workdir,
)
from elf_keras.errors import InputError

FLAGS = flags.FLAGS


def main(arguments: list[str]) -> None:
    """Run the command."""
    if not arguments:
        raise InputError("no image files: name at least one after the flags")
    if FLAGS.export is not None:
        raise InputError(
            f"--export={FLAGS.export}: predict asks the run itself; ask an "
            "export with python -m elf_keras.deploy.chain_runner "
            f"{FLAGS.export} {arguments[0]}"
        )
    folder = workdir.workdir()
    names, kept = _of_record(folder / runs.RECORD)
    command.load_tensorflow()
    from elf_keras import models
    from elf_keras.models import multiply_adds

    model = models.load(folder / runs.MODEL)
    classes = model.outputs[0].shape[-1]
    if len(names) != classes:
        raise InputError(
            f"{folder / runs.RECORD} names {len(names)} classes, {runs.MODEL} "
            f"has {classes}; restore the run's own files"
        )
    costs = multiply_adds.exit_costs(model)
    exits = models.exits(model)
    leaving = thresholds_from_flags.of_run(len(names), exits)
    # One file at a time: memory stays flat, and an answer comes at once.
    stages = models.stages(model)
    answers = [
        _answer(file, kept, stages, names, costs, leaving) for file in arguments
    ]
    if not all(answers):
        sys.exit(2)


def _of_record(path):
    """Names of the classes, and how much of a photo scoring looks at."""
    data = runs.read_json(path).get("data")
    names = data.get("class_names") if isinstance(data, dict) else None
    if not isinstance(names, list):
        raise InputError(
            f"{path} names no classes; restore it, or train again in a new "
            "--workdir"
        )
    kept = data.get("kept", 1.0)
    if not (isinstance(kept, (int, float)) and 0 < kept <= 1):
        raise InputError(f"{path}: kept is {kept!r}, not in (0, 1]; restore it")
    return names, kept


def _answer(file, kept, stages, names, costs, leaving):
    from elf_keras.data import images
    from elf_keras.evaluation import prediction

    height, _, channels = stages[0].inputs[0].shape[1:]
    image, reason = images.attempt(file, height, channels=channels, kept=kept)
    shown = runs.legible(file)
    if image is None:
        print(json.dumps({"file": shown, "error": reason}), flush=True)
        return False
    answer = prediction.predict_dynamic(
        stages,
        image[None],
        leaving.thresholds,
        leaving.rule,
    )
    taken = int(answer.exit_taken[0])
    spent = int(costs.with_heads[taken])
    line = {
        "file": shown,
        "class": names[answer.classes[0]],
        leaving.rule.exit_rule: round(float(answer.certainty[0]), 4),
        "exit": taken + 1,
        "macs": spent,
        "share_of_backbone": round(spent / costs.backbone, 4),
    }
    print(json.dumps(line), flush=True)
    return True


if __name__ == "__main__":
    command.run_command(main, of_run=True, answers=True)
