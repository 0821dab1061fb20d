"""From --dry_run and --plan to what a training would take."""

from absl import flags

from elf_keras.cli import (
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
    for name in ("exits_first", "exits_last"):
        if steps := FLAGS[name].value:
            seconds = start_from_flags.seconds(model, data, steps)
            found.append((name.replace("_", " "), progress.duration(seconds)))
    speed = dry_run.measure(model, data, training.batches)
    epochs = schedule_from_flags.epochs(data, lambda: speed)
    schedule_from_flags.schedule(data, epochs)
    found += speed.rows(epochs)
    if fleet:
        found += plan.rows(
            dry_run.work_of(model, speed, epochs=epochs),
            fleet,
            half=FLAGS.mixed_precision != "float32",
            utilization=FLAGS.plan_utilization,
            efficiency=FLAGS.plan_efficiency,
        )
    return found
