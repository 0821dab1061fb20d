"""Train an early-exit classifier on long-tailed images, and score it.

python -m elf_keras.train --flagfile=experiments/digits_lt.flags \\
    --workdir=runs/digits_lt

Writes into --workdir: flags.flags (repeats the run), run.json, history.csv,
checkpoints/, model.keras (the best epoch by validation, else the last),
metrics.json, per_class.csv, tensorboard/. With --resume it goes on where it
was stopped, and ends with the weights of an uninterrupted run. With --dry_run
it checks the images, says how long it would take, and writes nothing; with
--plan=8xA100@2.5 also how long, and for how much money, on other devices.
"""

import contextlib
import pathlib
import tempfile
import time

from absl import flags

from elf_keras import cli, fleets, preemption, run_flags, runs

FLAGS = flags.FLAGS
flags.DEFINE_bool(
    "dry_run", False, "Check data, speed and memory; train and write nothing."
)
flags.DEFINE_integer(
    "dry_run_images",
    200,
    "Images of each split on disk that --dry_run decodes; 0 for all.",
    lower_bound=0,
)

flags.DEFINE_string(
    "plan",
    None,
    "A dry run that also tells time, memory and money on other devices: "
    "COUNTxDEVICE or "
    "COUNTxDEVICE@PRICE_PER_DEVICE_HOUR. DEVICE is one of "
    f"{', '.join(fleets.PEAKS)}, a peak such as 312T (tera-FLOP/s), a measured "
    "speed such as 900/s (images of this recipe), or `here`.",
)
flags.DEFINE_float(
    "plan_utilization", 0.3, "Share of the peak that --plan expects.", 0.01, 1.0
)
flags.DEFINE_float(
    "plan_efficiency",
    0.9,
    "Share of their summed speed that --plan expects of several devices.",
    0.01,
    1.0,
)


def main(arguments: list[str]) -> None:
    """Run the command."""
    cli.refuse_arguments(arguments)
    with preemption.watched():
        _main()


def _main():
    started = time.time()
    if FLAGS.dry_run or FLAGS.plan:
        dry_run()
        return
    folder = run_flags.check_workdir()
    if (folder / runs.METRICS).exists():
        cli.say(f"{folder} is trained; choose another --workdir to train anew")
        cli.show(runs.read_json(folder / runs.METRICS))
        return
    if cli.cluster_from_flags():
        # Workers are joined before TensorFlow does anything with data.
        _strategy()
    data, strategy = _data(), _strategy()
    from elf_keras import workers

    with workers.clear_errors(strategy):
        run(_model(data, strategy), data, started=started)


def dry_run() -> None:
    """Check what `run` needs, and print what it would take."""
    fleet = fleets.parse(FLAGS.plan) if FLAGS.plan else None
    if FLAGS.workdir:
        run_flags.check_workdir()
    data = _data()
    cli.load_tensorflow()
    from elf_keras import builders, epoch_flags, plan
    from elf_keras import dry_run as checks

    rows = checks.check_images(data, FLAGS.dry_run_images)
    model = _model(data, builders.strategy(alone=True))
    builders.scorer(model, data)
    schedule = epoch_flags.schedule(data)
    speed = checks.measure(model, data, epoch_flags.batches(data))
    rows += speed.rows(schedule.epochs)
    if fleet:
        work = plan.work_of(model, speed, epochs=schedule.epochs)
        rows += plan.rows(
            work,
            fleet,
            half=FLAGS.mixed_precision != "float32",
            utilization=FLAGS.plan_utilization,
            efficiency=FLAGS.plan_efficiency,
        )
    print(checks.table(rows), flush=True)


def run(model, data, *, started: float) -> None:
    """Train a compiled model and write the run's folder."""
    from elf_keras import (
        builders,
        epoch_flags,
        run_record,
        second_stage_flags,
        workers,
    )
    from elf_keras.data import shares

    # All that can be wrong with flags and data is found before this.
    parts = {
        "scorer": builders.scorer(model, data),
        "schedule": epoch_flags.schedule(data),
        "batches": epoch_flags.batches(data),
    }
    parts["stage"] = second_stage_flags.begin(model, data, parts["scorer"])
    strategy = model.distribute_strategy
    shares.check(FLAGS.batch_size, strategy.num_replicas_in_sync)
    with contextlib.ExitStack() as stack:
        if workers.is_chief(strategy):
            folder, say = run_flags.open_workdir(), cli.say
        else:
            place = stack.enter_context(tempfile.TemporaryDirectory())
            folder, say = (
                run_flags.follow_workdir(pathlib.Path(place)),
                _be_silent,
            )
        facts = sorted(run_flags.lasting(run_flags.resolved()))
        workers.check_agreement(strategy, facts, run_record.start(folder, data))
        record = _train(model, data, folder, say, started, **parts)
        if say is cli.say:
            cli.show(record)
        say(f"written to {folder}")
        workers.leave_together(strategy)


def _train(
    model, data, folder, say, started, *, scorer, schedule, batches, stage
):
    from elf_keras import builders, run_record, second_stage, training

    outcome = training.fit(
        model,
        data,
        schedule=schedule,
        batches=batches,
        folder=folder,
        prior=scorer.prior,
        exit_weights=scorer.exit_weights,
        checkpoint_minutes=FLAGS.checkpoint_minutes,
        report=say,
    )
    objective = builders.cumulative_loss(data, leaving=True)
    record = run_record.score_epochs(
        folder, model, data, scorer, objective, outcome
    )
    run_record.write(
        folder,
        second_stage.finished(model),
        data,
        outcome,
        seed=FLAGS.seed,
        deterministic=FLAGS.deterministic,
        started=started,
        stage=stage,
    )
    runs.write_json(folder / runs.METRICS, record)
    return record


def _be_silent(line):
    """Say nothing: the chief tells the user."""


def _data():
    data = cli.splits_from_flags()
    for note in data.notes:
        cli.say(f"note: {note}")
    return data


def _strategy():
    cli.load_tensorflow(devices=cli.cluster_from_flags() is None)
    from elf_keras import builders

    return builders.strategy()


def _model(data, strategy):
    from elf_keras import builders

    with strategy.scope():
        return builders.compiled(builders.model(data), data)


if __name__ == "__main__":
    cli.run_command(main, resumes=True)
