"""The record that a training leaves: scores of its epochs, and its facts."""

import hashlib
import pathlib
import time

import keras
import numpy as np
import tensorflow as tf

from elf_keras import models, runs
from elf_keras.data import splits
from elf_keras.evaluation import score_model
from elf_keras.evaluation.scorer import Scorer
from elf_keras.models import multiply_adds
from elf_keras.training import (
    checkpoints,
    determinism,
    loop,
    rollback,
    second_stage,
)


def start(folder: pathlib.Path, data: splits.Splits) -> dict:
    """Return what all workers of a training must agree on, beside flags.

    Args:
      folder: the run's folder.
      data: the splits.
    """
    saved = (folder / "checkpoints").glob("*.json")
    return {
        "classes": data.class_names,
        "counts": data.class_counts.tolist(),
        "order": hashlib.sha256(data.train.labels.tobytes()).hexdigest(),
        "checkpoints": {path.name: runs.checksum(path) for path in saved},
    }


def score_epochs(
    folder: pathlib.Path,
    model: keras.Model,
    data: splits.Splits,
    scorer: Scorer,
    objective,
    outcome: loop.Outcome,
) -> dict:
    """Score the last and the best epoch; save the best as `model.keras`.

    Args:
      folder: the run's folder.
      model: with the last epoch's weights; afterwards with the best's.
      data: the splits.
      scorer: what scores the model.
      objective: a `CumulativeLoss` with a finite threshold.
      outcome: of the training.

    Returns:
      The content of metrics.json: for each split, `best` and `last`; `best`
      is left out where there was no validation to choose it by.
    """
    last_epoch = len(outcome.history) - 1
    served = second_stage.finished(model)
    last, found = score_model.score_model(served, data, scorer, objective)
    best = last
    if outcome.best_epoch not in (None, last_epoch):
        outcome.checkpoints.load_best(model)
        served = second_stage.finished(model)
        best, found = score_model.score_model(served, data, scorer, objective)
    size = checkpoints.file_size(model)
    with runs.replacing(folder / runs.MODEL, size=size) as temporary:
        models.save(served, temporary)
    if "test" in found:
        runs.write_csv(
            folder / "per_class.csv",
            score_model.per_class_rows(data, found["test"], scorer.thresholds),
        )
    record = {
        split: {"last": {"epoch": last_epoch + 1, **last[split]}}
        for split in last
    }
    if outcome.best_epoch is not None:
        for split in record:
            epoch = outcome.best_epoch + 1
            record[split]["best"] = {"epoch": epoch, **best[split]}
    return record


def write(
    folder: pathlib.Path,
    model: keras.Model,
    data: splits.Splits,
    outcome: loop.Outcome,
    *,
    seed: int,
    deterministic: bool,
    started: float,
    stage: dict | None = None,
) -> None:
    """Write history.csv and run.json.

    Args:
      folder: the run's folder.
      model: the trained model.
      data: the splits.
      outcome: of the training.
      seed: of data, weights and order.
      deterministic: whether --deterministic was given.
      started: when this process began, in seconds since 1970.
      stage: what there is to say of a second stage.
    """
    notes = outcome.checkpoints.notes
    runs.write_csv(folder / "history.csv", outcome.history)
    speeds = [row["images_per_second"] for row in outcome.history]
    runs.write_json(
        folder / runs.RECORD,
        {
            **runs.environment(),
            "flags": (folder / runs.FLAGS).read_text().splitlines(),
            "data": _data(data),
            "model": _model(model),
            "second_stage": stage,
            "seed": seed,
            "devices": [d.name for d in tf.config.list_logical_devices()],
            "epochs": len(outcome.history),
            "best_epoch": None
            if outcome.best_epoch is None
            else outcome.best_epoch + 1,
            "resumed_after_epoch": outcome.first_place[0],
            "resumed_after_steps": outcome.first_place[1],
            "problems": outcome.problems,
            "rollback": notes.get(rollback.NOTE),
            "warnings": outcome.warnings,
            "nondeterminism": determinism.reasons(
                notes, deterministic=deterministic
            ),
            "training_seconds": sum(row["seconds"] for row in outcome.history),
            "seconds_of_this_process": time.time() - started,
            "images_per_second": float(np.median(speeds)) if speeds else None,
            "peak_memory_bytes": runs.peak_memory(),
        },
    )


def _data(data):
    return {
        "class_names": data.class_names,
        "class_counts": data.class_counts,
        "class_counts_after_cut": data.train_counts,
        "images": {
            name: len(part)
            for name in ("train", "validation", "test")
            if (part := getattr(data, name)) is not None
        },
        "image_shape": data.image_shape,
        "notes": data.notes,
        "skipped": data.skipped,
    }


def _model(model):
    costs = multiply_adds.exit_costs(model)
    return {
        "name": model.name,
        "parameters": model.count_params(),
        "trainable_parameters": sum(
            int(np.prod(weight.shape)) for weight in model.trainable_weights
        ),
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
