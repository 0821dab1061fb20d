"""Train an image classifier with early exits, and score it.

elf-keras train --recipe=photos --data_dir=FOLDER --workdir=runs/mine

Shows the classes and splits, trains, prints a table of scores and writes into
--workdir: model.keras (the best epoch on validation, else the last one),
metrics.json and per_class.csv (scores), history.csv, flags.flags (repeats the
run), data.csv and run.json (what it was trained on), checkpoints/ and
tensorboard/.

With --resume it continues where it was stopped, on the same images, and ends
with the same weights as an uninterrupted run.

With --dry_run it checks the images, says how long the training will take, and
writes nothing. --plan=8xA100@2.5 adds time and cost on other devices.
"""

import time
from collections.abc import Callable

from absl import flags

from elf_keras import runs
from elf_keras.cli import (
    command,
    data_from_flags,
    data_table,
    loggers_from_flags,
    tables,
    workdir,
)
from elf_keras.distribution import cluster
from elf_keras.runs import preemption
from elf_keras.training import plan

FLAGS = flags.FLAGS
flags.DEFINE_bool(
    "dry_run",
    False,
    "Check the images, measure speed and memory, and stop: nothing is trained "
    "or written.",
)
flags.DEFINE_integer(
    "dry_run_images",
    200,
    "Images of each split that --dry_run decodes, of those on disk. 0: all.",
    lower_bound=0,
)

flags.DEFINE_string(
    "plan",
    None,
    "A dry run that also estimates time, memory and cost on other devices, "
    "COUNTxDEVICE or COUNTxDEVICE@PRICE, the price per device and hour. DEVICE "
    f"is {', '.join(plan.PEAKS)}, a peak speed such as 312T (tera-FLOP/s), a "
    "measured speed such as 900/s (images of this recipe), or here.",
)
flags.DEFINE_float(
    "plan_utilization",
    0.3,
    "Share of a device's peak speed that --plan expects training to reach.",
    0.01,
    1.0,
)
flags.DEFINE_float(
    "plan_efficiency",
    0.9,
    "Share of the sum of their speeds that --plan expects several devices to "
    "reach.",
    0.01,
    1.0,
)


def main(arguments: list[str]) -> None:
    """Run the command."""
    command.refuse_arguments(arguments)
    loggers_from_flags.check()
    started = time.time()
    with preemption.watched():
        if FLAGS.dry_run or FLAGS.plan:
            dry_run(started=started)
            return
        folder = workdir.check_workdir()
        if not (folder / runs.METRICS).exists():
            with workdir.locking(folder, at_once=_writes()) as take:
                run(take, started=started)
            return
        command.say(
            f"{folder} is trained already; choose another --workdir to train "
            "again"
        )
        command.show(runs.read_json(folder / runs.METRICS))


def dry_run(*, started: float) -> None:
    """Check what `run` needs, and print what it would take."""
    fleet = plan.parse_fleet(FLAGS.plan) if FLAGS.plan else None
    if FLAGS.workdir:
        workdir.check_workdir()
    data = _data()
    spent = time.time() - started
    command.load_tensorflow()
    from elf_keras.cli import dry_run_from_flags

    rows = dry_run_from_flags.rows(data, fleet, spent)
    print(tables.facts(rows), flush=True)


def run(lock: Callable[[], None], *, started: float) -> None:
    """Train what the flags say, and write the run's folder.

    `lock` keeps other trainings out of that folder, once it is there.
    """
    # A missing key is told before images are read, which may take long.
    loggers_from_flags.get_ready(_writes())
    if cluster.for_strategy(FLAGS.strategy):
        # Workers are joined before TensorFlow does anything with data.
        _strategy()
    data, strategy = _data(), _strategy()
    from elf_keras.cli import (
        second_stage_from_flags,
        start_from_flags,
        training_from_flags,
    )
    from elf_keras.data import replica_parts
    from elf_keras.distribution import workers

    with workers.clear_errors(strategy):
        # All that can be wrong with flags and data is found before a folder
        # is made.
        replica_parts.check(FLAGS.batch_size, strategy.num_replicas_in_sync)
        model = training_from_flags.model(data, strategy)
        training_from_flags.check(model, data)
        start = start_from_flags.begin(model, data, started)
        training = training_from_flags.training(
            model, data, start.length, start.watched
        )
        stage = second_stage_from_flags.begin(training)
        chief = workers.is_chief(strategy)
        say = command.say if chief else _be_silent
        facts = {"started": started, "stage": stage, "start": start}
        with loggers_from_flags.workdir_opened(chief, lock) as (folder, logs):
            record = _fit(training, folder, say, logs=logs, **facts)
            if chief:
                data_from_flags.tell_damaged(data)
                command.show(record)
            say(f"written to {folder}")
            workers.leave_together(strategy)


def _fit(training, folder, say, *, start, logs, **facts):
    """Train, and write the records; metrics.json, that it is over, last."""
    from elf_keras.cli import model_from_flags, start_from_flags
    from elf_keras.data import recorded
    from elf_keras.distribution import workers
    from elf_keras.training import first_weights, loggers, loop, run_record
    from elf_keras.training import prior_correction as correction

    data, minutes = training.data, FLAGS.checkpoint_minutes
    agreed = sorted(workdir.lasting(workdir.resolved()))
    workers.check_agreement(
        training.model.distribute_strategy,
        agreed,
        run_record.start(folder, data),
    )
    if start.fresh:
        if start.exits_first:
            first_weights.keep(folder, training.model)
        recorded.write(folder, data, start=start.record)
    # A second stage tells of its own, as "trained_parameters".
    trainable = None
    if FLAGS.second_stage == "none":
        trainable = run_record.trainable_parameters(training.model)
    told = {"report": say, "clients": logs}
    outcome = loop.fit(training, folder, checkpoint_minutes=minutes, **told)
    ended = start_from_flags.end(training, start, say)
    objective = model_from_flags.cumulative_loss(data, leaving=True)
    record = run_record.score_epochs(
        training,
        outcome,
        folder,
        objective,
        last_alone=bool(ended and ended["kept"]),
    )
    if start.exits_first:
        say(first_weights.sentence(record))
    for told in correction.sentences(record):
        say(told)
    run_record.write(
        training,
        outcome,
        folder,
        record,
        deterministic=FLAGS.deterministic,
        trainable=trainable,
        start=start.record,
        exits_last=ended,
        **facts,
    )
    runs.write_json(folder / runs.METRICS, record)
    loggers.give_scores(logs, record, say)
    return record


def _be_silent(line):
    """Say nothing: the chief tells the user."""


def _data():
    """What to train on, shown before anything begins."""
    from elf_keras.data import recorded, splits

    goes_on = workdir.workdir() if FLAGS.resume and FLAGS.workdir else None
    data = data_from_flags.to_train_on(goes_on)
    # The run of --weights may have had more of them.
    splits.count_classes(data.train.labels, data.class_names)
    if _writes():
        data_from_flags.say_if_few(data)
    for note in data.notes:
        command.say(f"note: {note}")
    if _writes():
        for line in data_table.of(recorded.facts(data)).splitlines():
            command.say(line)
    return data


def _writes():
    """Whether this process is the one, of several workers, that writes."""
    joined = cluster.for_strategy(FLAGS.strategy)
    return joined is None or joined.is_chief


def _strategy():
    command.load_tensorflow(
        devices=cluster.for_strategy(FLAGS.strategy) is None
    )
    from elf_keras.cli import model_from_flags

    return model_from_flags.strategy()


if __name__ == "__main__":
    command.run_command(main, resumes=True)
