"""Sweep the exit threshold of a trained run, and choose policies for budgets.

python -m elf_keras.sweep --workdir=runs/digits_lt --budget=0.75,0.5,2.5ms

Runs the model once over validation and test, draws the exact curve of
accuracy against expected multiply-adds and milliseconds, and chooses
thresholds on validation alone: as accurate as all exits but cheaper, and one
policy a budget, with one threshold for all exits and with one per exit.
A policy is to cost no shot group (classes with many, medium, few training
images) more than --group_tolerance: `accurate` takes a dearer one where
validation is too small to be sure; a budget holds, and what a group may lose
is said. Writes curve.csv, curve.json, curve.png
and policy.json into --workdir; evaluate, predict and export take
--policy=NAME.
"""

import pathlib

import numpy as np
from absl import flags

from elf_keras import runs
from elf_keras.cli import command, data_from_flags, tables, workdir
from elf_keras.errors import InputError
from elf_keras.exits import thresholds
from elf_keras.policies import policy_file, policy_rules

FLAGS = flags.FLAGS
flags.DEFINE_list(
    "budget",
    ["0.75", "0.5", "0.25"],
    "Budgets: shares of the bare backbone's multiply-adds, or times (2.5ms).",
)
flags.DEFINE_float(
    "group_tolerance",
    0.05,
    "Accuracy that a policy may cost a shot group against all exits; 1 lets "
    "it cost anything.",
    0.0,
    1.0,
)
flags.DEFINE_float(
    "group_confidence",
    0.9,
    "How sure that must be, by a bootstrap over validation images.",
    0.5,
    0.999,
)
flags.DEFINE_integer("resamples", 1000, "Of that bootstrap.", 100, 100_000)


def main(arguments: list[str]) -> None:
    """Run the command."""
    command.refuse_arguments(arguments)
    _check_split()
    sure = FLAGS.group_tolerance, FLAGS.group_confidence
    plan = policy_rules.PolicyPlan(
        policy_rules.rules(FLAGS.budget, policy_rules.KINDS),
        policy_rules.Guard(*sure, FLAGS.resamples, FLAGS.seed),
    )
    folder = workdir.workdir()
    if not (folder / runs.MODEL).exists():
        raise InputError(
            f"--workdir={folder} holds no {runs.MODEL}: the run has not "
            "ended; go on with elf_keras.train --resume"
        )
    data = _data(folder)
    command.load_tensorflow()
    run(folder, data, plan)


def run(folder: pathlib.Path, data, plan: policy_rules.PolicyPlan) -> None:
    """Sweep one run and write the four files."""
    from elf_keras.cli import model_from_flags
    from elf_keras.policies import sweep_record, trade_off

    model = _model(folder, data)
    times = _times(model, data)
    scorer = model_from_flags.scorer(model, data)
    found, temperatures = sweep_record.answers_of(model, data, scorer)
    done = trade_off.sweep(found, scorer.timed(times.stages), plan)
    grid = thresholds.papers_grid(
        FLAGS.exit_loss, scorer.classes, FLAGS.exit_rule
    )
    picture = sweep_record.curves(done, grid, times)
    record = sweep_record.policies_of(done, plan, picture, temperatures)
    record["model"]["sha256"] = runs.checksum(folder / runs.MODEL)
    record["seed"] = FLAGS.seed
    _write(folder, trade_off.rows(done), picture, record)
    print(tables.policies(record), flush=True)
    data_from_flags.tell_damaged(data)
    command.say(
        f"written to {folder}: curve.csv, .json, .png, {policy_file.NAME}"
    )


def _data(folder):
    if FLAGS.method == "summed":
        command.say(
            "note: --method=summed answers by the sum of all exits; policies "
            "leave at one of them, and are compared with the last alone"
        )
    data = data_from_flags.of_run(folder)
    if data.validation is None:
        raise InputError(
            "this run has no validation split, and thresholds are never "
            f"chosen on test: {data_from_flags.without_validation()}; or take "
            "the thresholds of a sibling run by --policy_file"
        )
    return data


def _model(folder, data):
    from elf_keras import models
    from elf_keras.cli import fitting_model

    model = fitting_model.load(folder / runs.MODEL, data)
    if models.exits(model) == 1:
        raise InputError(
            f"--workdir={folder} is a model of a single exit: nobody can "
            "leave early, so there is nothing to sweep; train with "
            "--method=har or sum"
        )
    return model


def _write(folder, rows, picture, record):
    from elf_keras.reports.charts import sweeps

    runs.write_csv(folder / "curve.csv", rows)
    runs.write_json(folder / "curve.json", picture)
    sweeps.trade_off(
        picture["splits"],
        folder / "curve.png",
        title=f"{runs.legible(folder.name)[:60]}: one model, every budget, by "
        f"{FLAGS.exit_rule}",
        backbone=picture["backbone_macs"],
        static_milliseconds=picture["static_milliseconds"],
    )
    # Last: who finds it finds the others, too.
    runs.write_json(folder / policy_file.NAME, record)


def _times(model, data):
    from elf_keras import models
    from elf_keras.evaluation import stage_times

    if FLAGS.export is None:
        some = np.arange(min(30, len(data.validation)))
        examples = data.validation.take(some)
        return stage_times.measure(model, np.asarray(examples.images[:]))
    folder, exits = pathlib.Path(FLAGS.export), models.exits(model)
    return stage_times.of_export(folder, FLAGS.variant, exits=exits)


def _check_split():
    asked = set(FLAGS.split)
    if FLAGS["split"].present and asked != {"validation"}:
        raise InputError(
            f"--split={','.join(FLAGS.split)}: a sweep chooses on validation "
            "alone. On training images every exit is surer and more often "
            "right than in use; what is chosen on test cannot be tested. Both "
            "splits are reported anyway: leave --split out"
        )


if __name__ == "__main__":
    command.run_command(main, of_run=True)
