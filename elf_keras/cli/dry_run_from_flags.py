"""From --dry_run and --plan to what a training would take."""

import dataclasses

from absl import flags

from elf_keras.cli import (
    limit_from_flags,
    model_from_flags,
    schedule_from_flags,
    start_from_flags,
    training_from_flags,
)
from elf_keras.data import splits
from elf_keras.runs import progress
from elf_keras.training import dry_run, plan

FLAGS = flags.FLAGS


def rows(data: splits.Splits, fleet: plan.Fleet | None) -> list[tuple]:
    """Check images, speed and memory, and reckon; nothing is written.

    Returns:
      What is told, and its value as text, one after the other.
    """
    found = dry_run.check_images(data, FLAGS.dry_run_images)
    strategy = model_from_flags.strategy(alone=True)
    model = training_from_flags.model(data, strategy)
    training = training_from_flags.training(model, data)
    start_from_flags.say_if_few(data)
    cost = limit_from_flags.cost(model, data)
    limit = limit_from_flags.limit(model, data, cost)
    for name, seconds in (
        ("exits first", limit.first_seconds),
        ("exits last", limit.last_seconds),
    ):
        if seconds:
            found.append((name, progress.duration(seconds)))
    speed = dry_run.measure(model, data, training.batches)
    spent = limit.first_seconds
    length = limit_from_flags.length(limit, speed, spent, data)
    schedule_from_flags.schedule(data, length.epochs)
    images = min(speed.images, length.steps * speed.batch)
    found += dataclasses.replace(speed, images=images).rows(length.epochs)
    if fleet:
        found += plan.rows(
            dry_run.work_of(model, speed, epochs=length.epochs),
            fleet,
            half=FLAGS.mixed_precision != "float32",
            utilization=FLAGS.plan_utilization,
            efficiency=FLAGS.plan_efficiency,
        )
    return found
