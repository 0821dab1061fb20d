"""Choose exit thresholds of a run for budgets of compute or time.

elf-keras sweep --workdir=runs/mine --budget=0.75,0.5,2.5ms

Runs the model over validation and test, and writes into --workdir the
curve of accuracy against multiply-adds and milliseconds (curve.csv, .json,
.png) and policy.json. A policy is a named set of thresholds, chosen on
validation: accurate is as accurate as all exits but cheaper, and each budget
has two, with one threshold for all exits and with one for each exit. Test only
reports. evaluate, predict and export take a policy by --policy=NAME.

Shot groups are the classes with many, medium and few training images. No group
may lose more than --group_tolerance: where validation is too small to be sure,
accurate is a more expensive policy. A budget is kept in any case; a note says
what a group may lose there.

--exit_rule=all first compares all exit rules, with each --answer, on
validation and takes the best one. --answer_decay=validation chooses how much
earlier exits count in running sums. The other commands read it all from
policy.json.
"""

import dataclasses
import pathlib

from absl import flags

from elf_keras import runs
from elf_keras.cli import (
    command,
    data_from_flags,
    tables,
    workdir,
)
from elf_keras.deploy import versions
from elf_keras.errors import InputError
from elf_keras.exits import answer_rule, thresholds
from elf_keras.policies import policy_file, policy_rules
from elf_keras.runs import progress

FLAGS = flags.FLAGS
flags.DEFINE_list(
    "budget",
    [*policy_rules.BUDGETS],
    "Budgets to choose policies for: shares of the bare backbone's multiply-"
    "adds such as 0.5, or times of an image such as 2.5ms.",
)
flags.DEFINE_float(
    "group_tolerance",
    policy_rules.Guard.tolerance,
    "Accuracy that a shot group may lose by a policy, compared with using all "
    "exits: 0.05 is 5 points, 1 allows any loss.",
    0.0,
    1.0,
)
flags.DEFINE_float(
    "group_confidence",
    policy_rules.Guard.confidence,
    "Confidence required that no group loses more than --group_tolerance, by "
    "a bootstrap over validation images.",
    0.5,
    0.999,
)
flags.DEFINE_integer(
    "resamples",
    policy_rules.Guard.resamples,
    "Resamples of the bootstrap that --group_confidence is about.",
    100,
    100_000,
)


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
            f"--workdir={folder} holds no {runs.MODEL}: the run has not ended; "
            "continue it with elf-keras train --resume"
        )
    data = _data(folder)
    command.load_tensorflow()
    run(folder, data, plan)


def run(folder: pathlib.Path, data, plan: policy_rules.PolicyPlan) -> None:
    """Sweep one run and write the four files."""
    from elf_keras.cli import model_from_flags, rule_from_flags
    from elf_keras.policies import rule_choice, sweep_record, trade_off

    steps = progress.Steps(command.say)
    model = _model(folder, data)
    times = _times(model, data)
    steps.ended("model loaded, its stages timed")
    scorer = model_from_flags.scorer(model, data)
    budgets = rule_choice.budgets_of(plan)
    rule, told = rule_from_flags.chosen(model, data, scorer, budgets)
    if told:
        steps.ended(f"exit rule chosen on validation: {rule.shown}")
    scorer = dataclasses.replace(scorer, rule=rule)
    found, temperatures = sweep_record.answers_of(model, data, scorer)
    steps.ended(f"{' and '.join(found)} scored")
    done = trade_off.sweep(found, scorer.timed(times.stages), plan)
    steps.ended("thresholds chosen on validation")
    picture = sweep_record.curves(done, _grid(scorer), times)
    record = sweep_record.policies_of(done, plan, picture, temperatures)
    record |= told
    record["model"]["sha256"] = runs.checksum(folder / runs.MODEL)
    record["seed"] = FLAGS.seed
    _write(folder, trade_off.rows(done), picture, record)
    steps.ended("curve drawn, policies written")
    print(tables.policies(record), flush=True)
    data_from_flags.tell_damaged(data)
    command.say(
        f"written to {folder}: curve.csv, .json, .png, {policy_file.NAME}"
    )


def _grid(scorer):
    """The papers' values of s, which are about own logits."""
    if scorer.rule.answer != answer_rule.OWN:
        return {}
    of = FLAGS.exit_loss, scorer.classes, scorer.rule.exit_rule
    return thresholds.papers_grid(*of)


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
            f"--workdir={folder} is a model of a single exit: no image can "
            "leave early, so there is nothing to sweep; train with "
            "--method=har or sum"
        )
    return model


def _write(folder, rows, picture, record):
    from elf_keras.reports.charts import sweeps

    rule = answer_rule.of_record(record)
    runs.write_csv(folder / "curve.csv", rows)
    runs.write_json(folder / "curve.json", picture)
    sweeps.trade_off(
        picture["splits"],
        folder / "curve.png",
        title=f"{runs.legible(folder.name)[:60]}: one model, every budget, by "
        f"{rule.shown}",
        backbone=picture["backbone_macs"],
        static_milliseconds=picture["static_milliseconds"],
    )
    # Last: who finds it finds the others, too.
    runs.write_json(folder / policy_file.NAME, record)


def _times(model, data):
    from elf_keras import models
    from elf_keras.evaluation import stage_times

    if FLAGS.export is None:
        import numpy

        some = numpy.arange(min(30, len(data.validation)))
        examples = data.validation.take(some)
        return stage_times.measure(model, numpy.asarray(examples.images[:]))
    folder = versions.folder_of(pathlib.Path(FLAGS.export))
    variant = FLAGS.variant if FLAGS["variant"].present else None
    return stage_times.of_export(
        folder, variant, exits=models.exits(model), name=versions.label(folder)
    )


def _check_split():
    asked = set(FLAGS.split)
    if FLAGS["split"].present and asked != {"validation"}:
        raise InputError(
            f"--split={','.join(FLAGS.split)}: a sweep chooses on validation "
            "alone. On training images every exit is more certain and more "
            "often right than in use; what is chosen on test can no longer be "
            "tested. Validation and test are reported anyway: leave --split out"
        )


if __name__ == "__main__":
    command.run_command(main, of_run=True, compares=True)
