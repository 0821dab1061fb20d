"""Score a trained run, with and without early exits.

elf-keras evaluate --workdir=runs/mine --split=test

Loads model.keras, prints a table of scores, and writes evaluation.json and
evaluation_SPLIT_per_class.csv into --workdir. In the table, static is the last
exit alone, mean averages the exits' probabilities, dynamic leaves early.

--policy=accurate takes thresholds, exit rule and answer from the policy.json
that elf-keras sweep wrote; --policy=static is the backbone without early exits.
--export=savedmodels/NAME --variant=int8 scores an export of the run as it will
run in use: by its default policy, or by --policy.
"""

import dataclasses
import functools
import pathlib

from absl import flags

from elf_keras import runs
from elf_keras.cli import (
    command,
    data_from_flags,
    thresholds_from_flags,
    workdir,
)
from elf_keras.errors import InputError
from elf_keras.policies import policy_rules
from elf_keras.runs import progress

FLAGS = flags.FLAGS


def main(arguments: list[str]) -> None:
    """Run the command."""
    command.refuse_arguments(arguments)
    folder = workdir.workdir()
    data = data_from_flags.of_run(folder)
    parts = {name: getattr(data, name) for name in FLAGS.split}
    absent = [name for name, part in parts.items() if not part]
    if absent and (FLAGS["split"].present or len(absent) == len(parts)):
        raise InputError(
            f"--split={','.join(absent)}: this run's data has no such split; "
            f"{_remedy(absent)}; or score --split=train"
        )
    scored = run(folder, data, [name for name in parts if name not in absent])
    record = {name: {"model": scores} for name, (scores, _) in scored.items()}
    # Before a folder that cannot be written to ends the command.
    command.show(record)
    for name, (_, rows) in scored.items():
        runs.write_csv(folder / f"evaluation_{name}_per_class.csv", rows)
    told = runs.environment() | {"splits": record}
    runs.write_json(folder / "evaluation.json", told)
    data_from_flags.tell_damaged(data)


def run(
    folder: pathlib.Path, data, names: list[str]
) -> dict[str, tuple[dict, list[dict]]]:
    """Score splits: by their names, scores and the rows of each class."""
    command.load_tensorflow()
    steps, found = progress.Steps(command.say), {}
    scorer, logit_parts, told = _source(folder, data)
    steps.ended("model loaded")
    for name in names:
        record, rows = _scores(data, name, scorer, logit_parts)
        record |= told
        if told.get("policy") == policy_rules.STATIC:
            # Heads that nobody asks are not there.
            spent = {"macs": record["static"]["macs"], "saving_with_heads": 0.0}
            record["dynamic"] |= spent
        found[name] = record, rows
        steps.ended(f"{name} scored: {record['images']:,} images")
    return found


def _remedy(absent):
    if "validation" in absent:
        return data_from_flags.without_validation()
    return "add a folder test/ beside train/"


def _source(folder, data):
    """Scorer, what gives a split's logits in parts, and what is told of it."""
    from elf_keras import models
    from elf_keras.cli import fitting_model, model_from_flags
    from elf_keras.evaluation import prediction

    model = fitting_model.load(folder / runs.MODEL, data)
    scorer = model_from_flags.scorer(model, data)
    told = {}
    if FLAGS.export is None:
        leaving = thresholds_from_flags.of_run(
            len(data.class_names), models.exits(model)
        )
        parts = functools.partial(prediction.logit_parts, model)
    else:
        found = _artefact(data.class_names)
        leaving = thresholds_from_flags.of_export(found)
        scorer = dataclasses.replace(scorer, costs=found.costs)
        told = {} if found.alone else {"chain_only": True}
        parts = found.logit_parts
    # σ and the weights of a sum are facts of the training.
    rule = dataclasses.replace(scorer.rule, **leaving.rule.told)
    own = {"thresholds": leaving.thresholds, "rule": rule}
    told |= {"policy": leaving.policy} if leaving.policy else {}
    return dataclasses.replace(scorer, **own), parts, told


def _scores(data, name, scorer, logit_parts):
    from elf_keras.cli import model_from_flags
    from elf_keras.evaluation import answers, score_model

    part = getattr(data, name)
    found = answers.of_parts(logit_parts(part), part.labels, scorer.rule)
    record = scorer.score(found)
    if name == "train" and FLAGS.prior_correction == "none":
        # The increasing-loss property is one of the training split, and of
        # the logits that the loss trained.
        record["loss_by_exit"] = score_model.loss_by_exit(
            logit_parts(part),
            part.labels,
            model_from_flags.cumulative_loss(data, leaving=True),
        )
    rows = score_model.per_class_rows(
        data, found, scorer.thresholds, split=name
    )
    return record, rows


def _artefact(class_names):
    """Load --variant of --export, an export of this very run."""
    from elf_keras.deploy import artefact

    variant = FLAGS.variant if FLAGS["variant"].present else None
    found = artefact.load(pathlib.Path(FLAGS.export), variant)
    if found.class_names != list(class_names):
        raise InputError(
            f"--export={FLAGS.export} has {len(found.class_names)} classes, "
            f"beginning with {found.class_names[0]!r}, the run "
            f"{len(class_names)}, beginning with {class_names[0]!r}: name an "
            "export of this run"
        )
    return found


if __name__ == "__main__":
    command.run_command(main, of_run=True)
