"""The record that a training leaves: scores of its epochs, and its facts."""

import hashlib
import pathlib
import time

import keras
import numpy as np
import tensorflow as tf

from elf_keras import models, runs
from elf_keras.data import damaged, recorded, splits
from elf_keras.evaluation import score_model
from elf_keras.losses.objective import CumulativeLoss
from elf_keras.models import multiply_adds
from elf_keras.runs import flagfiles
from elf_keras.training import (
    checkpoint_files,
    determinism,
    epoch_run,
    first_weights,
    loop,
    prior_correction,
    second_stage,
)


def start(folder: pathlib.Path, data: splits.Splits) -> dict:
    """Return what all workers of a training must agree on, beside flags."""
    saved = (folder / "checkpoints").glob("*.json")
    examples = recorded.table(data).encode()
    return {
        "classes": data.class_names,
        "counts": data.class_counts.tolist(),
        "examples": hashlib.sha256(examples).hexdigest(),
        "checkpoints": {path.name: runs.checksum(path) for path in saved},
    }


def score_epochs(
    training: epoch_run.Training,
    outcome: loop.Outcome,
    folder: pathlib.Path,
    objective: CumulativeLoss,
    *,
    last_alone: bool = False,
) -> dict:
    """Score the last and the best epoch; save the best as `model.keras`.

    What is scored has the last epoch's weights, or the average up to there,
    afterwards the best's; hardness is measured by the objective, with a finite
    threshold.

    Args:
      last_alone: the last epoch is the best, whose weights had what the
        others' lack; another one only where it is not better than the start.

    Returns:
      The content of metrics.json: for each split, `best` and `last`; `best`
      is left out where there was no validation to choose it by. Where exits
      were trained first, `first` are the scores then; they are the best,
      epoch 0, unless an epoch is better on validation.
    """
    count, best_epoch = len(outcome.history), outcome.best_epoch
    if last_alone and best_epoch is not None:
        best_epoch = count - 1
    served, found, last = _scored(training, objective)
    best = last
    if best_epoch not in (None, count - 1):
        outcome.checkpoints.load_best(training.scored)
        served, found, best = _scored(training, objective)
    first = None
    if best_epoch is not None and first_weights.are_kept(folder):
        weights = training.scored.get_weights()
        first_weights.load(folder, training.scored)
        # Training images are many, and only the best needs their losses.
        first = _scored(training)
        start, scorer = first[1], training.scorer
        training.scored.set_weights(weights)
        if last_alone and not first_weights.beaten(found, start, scorer):
            # What the last epoch had may be at fault, and not the epochs.
            best_epoch = outcome.checkpoints.load_best(training.scored)
            served, found, best = _scored(training, objective)
        if not first_weights.beaten(found, start, scorer):
            first_weights.load(folder, training.scored)
            first = served, found, best = _scored(training, objective)
            best_epoch = -1
    size = checkpoint_files.size(training.scored)
    with runs.replacing(folder / runs.MODEL, size=size) as temporary:
        models.save(served, temporary)
    if "test" in found:
        rows = score_model.per_class_rows(
            training.data, found["test"], training.scorer.thresholds
        )
        runs.write_csv(folder / "per_class.csv", rows)
    record = {
        split: {"last": {"epoch": count, **last[split]}} for split in last
    }
    for split, each in record.items():
        if best_epoch is not None:
            each["best"] = {"epoch": best_epoch + 1, **best[split]}
        if first and split in first[2]:
            each["first"] = {"epoch": 0, **first[2][split]}
    return record


def _scored(training, objective=None):
    """The model as it is served, its answers, its scores of each split."""
    trained, told = second_stage.finished(training.scored), None
    data, scorer, served = training.data, training.scorer, trained
    if training.correction:
        served, told = training.correction.applied(trained, data, scorer)
    scores, found = score_model.score_model(
        served, data, scorer, objective, trained
    )
    if told:
        for each in scores.values():
            each[prior_correction.KEY] = told
    return served, found, scores


def write(
    training: epoch_run.Training,
    outcome: loop.Outcome,
    folder: pathlib.Path,
    scores: dict,
    *,
    deterministic: bool,
    started: float,
    trainable: int | None = None,
    stage: dict | None = None,
    **told: dict | None,
) -> None:
    """Write history.csv and run.json.

    `scores` are those of `score_epochs`. `started` is when this process
    began, in seconds since 1970; `trainable` counts the parameters that were
    trained, by default all of them: what is saved has nothing frozen. `stage`
    and what is `told`, by its key, are what there is to say of a second stage,
    of the start and of the end.
    """
    history, notes = outcome.history, outcome.checkpoints.notes
    runs.write_csv(folder / "history.csv", history)
    speeds = [row["images_per_second"] for row in history]
    reasons = determinism.reasons(notes, deterministic=deterministic)
    model = model_facts(second_stage.finished(training.scored))
    trainable = trainable or model["trainable_parameters"]
    record = {
        **runs.environment(),
        "flags": [*map(flagfiles.line, flagfiles.read(folder / runs.FLAGS))],
        "data": recorded.facts(training.data)
        | {"damaged": damaged.of(training.data)},
        "model": model | {"trainable_parameters": trainable},
        "second_stage": stage,
        **told,
        "seed": training.batches.seed,
        "devices": [d.name for d in tf.config.list_logical_devices()],
        **_course(outcome),
        "best_epoch": _saved(scores),
        "nondeterminism": reasons,
        "training_seconds": sum(row["seconds"] for row in history),
        "seconds_of_this_process": time.time() - started,
        "images_per_second": float(np.median(speeds)) if speeds else None,
        "peak_memory_bytes": runs.peak_memory(),
    }
    runs.write_json(folder / runs.RECORD, record)


def _saved(scores):
    """The epoch that was best and is saved, 0 for the start, None: the last."""
    epochs = (found.get("best", {}).get("epoch") for found in scores.values())
    return next(epochs, None)


def _course(outcome):
    return {
        "epochs": len(outcome.history),
        "resumed_after_epoch": outcome.first_place[0],
        "resumed_after_steps": outcome.first_place[1],
        "problems": outcome.problems,
        "rollback": outcome.checkpoints.notes.get(loop.ROLLBACK),
        "warnings": outcome.warnings,
    }


def trainable_parameters(model: keras.Model) -> int:
    """How many numbers training changes; what is frozen does not count."""
    weights = model.trainable_weights
    return sum(int(np.prod(weight.shape)) for weight in weights)


def model_facts(model) -> dict:
    """What run.json says of a model: its name, its size, its exits."""
    costs = multiply_adds.exit_costs(model)
    return {
        "name": model.name,
        "parameters": model.count_params(),
        "trainable_parameters": trainable_parameters(model),
        "exits": [
            {
                "exit": number,
                "tap": tap,
                "macs": int(costs.with_heads[number - 1]),
                "macs_without_heads": int(costs.without_heads[number - 1]),
            }
            for number, tap in enumerate(models.tap_names(model), start=1)
        ],
    }
