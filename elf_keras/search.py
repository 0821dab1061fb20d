"""Train a run for each training threshold t, and compare them.

elf-keras search --recipe=cifar10_lt/har_ldam_drw --data_dir=FOLDER \\
    --workdir=runs/t_search --thresholds=1.7/C,1.8/C,1.9/C,2/C

Trains each t in a subfolder of --workdir and sweeps it. The t with the highest
static accuracy on validation is chosen (HAR, Table I); test only reports.
Writes search.json, search.csv and search.png (accuracy against cost) after each
run. The same command continues where it was stopped: finished runs are not
trained again, and values of t may be added.
"""

import sys

from absl import flags

from elf_keras import runs
from elf_keras.cli import command, data_from_flags, tables, workdir
from elf_keras.errors import InputError
from elf_keras.exits import thresholds
from elf_keras.policies import policy_file, search_record
from elf_keras.runs import flagfiles, preemption, progress

FLAGS = flags.FLAGS
flags.DEFINE_list(
    "thresholds",
    [],
    "Values of t to compare, as --train_threshold takes them. Default: those "
    "of the HAR paper, Table I, for this --exit_loss.",
)
RECORD = "search.flags"


def main(arguments: list[str]) -> None:
    """Run the command."""
    command.refuse_arguments(arguments)
    with preemption.watched():
        _check_method()
        folder = workdir.workdir()
        workdir.check_same(folder, RECORD)
        data = data_from_flags.to_train_on(folder)
        texts = _thresholds(data)
        _begin(folder, data)
        done = {}
        for number, text in enumerate(texts, start=1):
            where = f"t = {text} ({number} of {len(texts)})"
            done[text] = _trained_and_swept(folder, text, where)
            rows = _write(folder, done)
    print(tables.search(rows), flush=True)
    command.say(f"written to {folder}: search.json, search.csv, search.png")


def _begin(folder, data):
    """Write what all runs of the search share: their flags and their data."""
    from elf_keras.data import recorded

    if not (folder / RECORD).exists():
        flagfiles.write(folder / RECORD, workdir.resolved())
    if not (folder / runs.RECORD).exists():
        recorded.write(folder, data)


def _trained_and_swept(folder, text, where):
    """Do what is still to do for one t; return the folder of its run."""
    place = folder / f"t_{text.replace('/', '_')}"
    words = (f"--workdir={place}", *workdir.incidental())
    # `train` may have ended and its sweep not.
    if not (place / runs.METRICS).exists():
        if not (place / runs.FLAGS).exists():
            # It begins with the data of the search, as one that goes on.
            for name in (runs.EXAMPLES, runs.RECORD):
                text_of = (folder / name).read_text(encoding="utf-8")
                runs.write_text(place / name, text_of)
        recipe = (
            f"--flagfile={folder / RECORD}",
            f"--train_threshold={text}",
        )
        _child(place, where, "train", *recipe, *words, "--resume")
    if not (place / policy_file.NAME).exists():
        _child(place, where, "sweep", *words)
    return place


def _write(folder, done):
    """Write what is known so far; return its rows."""
    from elf_keras.reports.charts import sweeps

    policies, curves = (
        {text: runs.read_json(place / name) for text, place in done.items()}
        for name in (policy_file.NAME, "curve.json")
    )
    rows = search_record.rows(policies)
    record = {
        **runs.environment(),
        "chosen": next(row["t"] for row in rows if row["chosen"]),
        "chosen_by": "static accuracy on validation",
        "runs": {text: place.name for text, place in done.items()},
        "rows": rows,
    }
    runs.write_json(folder / "search.json", record)
    runs.write_csv(folder / "search.csv", rows)
    sweeps.search(
        search_record.lines(curves, record["chosen"]),
        folder / "search.png",
        title=f"{runs.legible(folder.name)[:60]}: train threshold t (lines), "
        "exit threshold s (along a line), static (white)",
    )
    return rows


def _child(place, where, name, *words):
    """Run a command in a process of its own, so that memory is freed."""
    log = place.with_name(f"{place.name}.log")
    command.say(f"{where}: {name}, see {log}")
    with log.open("a", encoding="utf-8") as file:
        status = preemption.run_child(
            [sys.executable, "-m", f"elf_keras.{name}", *words],
            watch=lambda: _show_last(log, where),
            stdout=file,
            stderr=file,
        )
    if status:
        text = log.read_text(encoding="utf-8", errors="replace")
        lines = text.splitlines() or [""]
        raise InputError(
            f"{where}: elf-keras {name} ended with status {status} "
            f"({lines[-1].removeprefix('error: ')}); see {log}, then run the "
            "same command again to continue"
        )


def _show_last(log, where):
    """Show on a terminal how far a child is: the last line of its log."""
    text = log.read_text(encoding="utf-8", errors="replace")
    *_, last = ["", *text.splitlines()]
    progress.show(where, *last.split("  "))


def _thresholds(data):
    """The values of t, all within reach of the loss."""
    classes = len(data.class_names)
    if data.validation is None:
        raise InputError(
            "t is chosen on validation, and this data has no such split: "
            f"{data_from_flags.without_validation()}"
        )
    grid = thresholds.papers_search(FLAGS.exit_loss, classes)
    texts = [text.strip() for text in FLAGS.thresholds] or grid
    values = {}
    for text in texts:
        value = thresholds.parse(text, FLAGS.exit_loss, classes)
        if value in values:
            raise InputError(
                f"--thresholds: {text} and {values[value]} are the same; name "
                "each once"
            )
        values[value] = text
    return list(values.values())


def _check_method():
    if FLAGS.method != "har":
        raise InputError(
            f"--method={FLAGS.method} does not train with a threshold; search "
            "with --method=har"
        )
    if FLAGS["train_threshold"].value != "auto":
        command.say(
            "note: --train_threshold is ignored, a search compares --thresholds"
        )


if __name__ == "__main__":
    command.run_command(main, resumes=True)
