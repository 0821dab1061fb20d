"""From --dry_run and --plan to what a training would take."""

import dataclasses

from absl import flags

from elf_keras.cli import (
    limit_from_flags,
    model_from_flags,
    schedule_from_flags,
    training_from_flags,
)
from elf_keras.data import splits
from elf_keras.evaluation import score_model
from elf_keras.runs import progress
from elf_keras.training import dry_run, plan

FLAGS = flags.FLAGS


def rows(
    data: splits.Splits, fleet: plan.Fleet | None, spent: float
) -> list[tuple]:
    """Check images, speed and memory, and reckon; nothing is written.

    Args:
      spent: seconds until the data were there, as a training has to wait.

    Returns:
      What is told, and its value as text, one after the other.
    """
    found = dry_run.check_images(data, FLAGS.dry_run_images)
    strategy = model_from_flags.strategy(alone=True)
    model = training_from_flags.model(data, strategy)
    training = training_from_flags.training(model, data)
    told, speed, epochs = _course(model, data, training, spent)
    found += told
    if fleet:
        found += plan.rows(
            dry_run.work_of(model, speed, epochs=epochs),
            fleet,
            half=FLAGS.mixed_precision != "float32",
            utilization=FLAGS.plan_utilization,
            efficiency=FLAGS.plan_efficiency,
        )
    return found


def _course(model, data, training, spent):
    """Rows of the training's parts, the speed of its steps, its epochs."""
    cost, found = limit_from_flags.cost(model, data), []
    limit = limit_from_flags.limit(model, data, cost)
    before, after = limit.first_seconds, limit.last_seconds
    for name, seconds in (("exits first", before), ("exits last", after)):
        if seconds:
            found.append((name, progress.duration(seconds)))
    speed = dry_run.measure(model, data, training.batches)
    length = limit_from_flags.length(limit, speed, spent + before, data)
    schedule_from_flags.schedule(data, length)
    images = min(speed.images, length.steps * speed.batch)
    shown = dataclasses.replace(speed, images=images)
    found += shown.rows(length.epochs)
    if before or after:
        epoch = shown.epoch_seconds + cost.image * limit.scored
        whole = before + length.epochs * epoch + after
        found.append(("training in all", progress.duration(whole)))
        # The start is scored, too, where it can be chosen.
        scored = len(data.validation or ()) + len(data.test or ())
        images = scored * (2 if before and data.validation is not None else 1)
        images += len(score_model.few_files(data.train))
        scores = images * cost.image
        found.append(("scores after it", progress.duration(scores)))
        whole = progress.duration(spent + whole + scores)
        found.append(("all, with reading", whole))
    return found, speed, length.epochs
