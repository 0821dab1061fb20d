"""Classify image files with a run or an export, stopping early.

elf-keras predict --workdir=runs/mine photo.png folder 'more/*.jpg'
elf-keras predict --export=savedmodels/mine folder --format=csv

Takes files, folders (the images below them) and patterns in quotes. Prints for
each image a JSON line or a row of CSV: its class, the likeliest classes with
calibrated probabilities, its certainty under --exit_rule, the exit taken
(counted from 1), and the multiply-adds spent, also as a share of the bare
backbone's. A file that is no image gets a row with the reason, and the status
at the end is 2.

A run leaves at --exit_threshold, or as --policy of its policy.json says. An
export leaves by its default policy or by --policy, and runs in its own runtime.
--policy=static runs the backbone without early exits.
"""

import dataclasses
import math
import pathlib
import sys
from collections.abc import Callable

from absl import flags

from elf_keras import runs
from elf_keras.cli import (
    answer_rows,
    command,
    thresholds_from_flags,
    workdir,
)
from elf_keras.errors import InputError

FLAGS = flags.FLAGS
flags.DEFINE_enum(
    "format",
    answer_rows.JSON_LINES,
    answer_rows.FORMATS,
    "Print JSON lines or a CSV table.",
)
flags.DEFINE_integer(
    "top_k", 5, "How many of the likeliest classes to print for each image.", 1
)


@dataclasses.dataclass(frozen=True, eq=False)
class _Source:
    """Who answers, and what images it takes."""

    class_names: list[str]
    shape: tuple[int, int, int]  # of its images
    kept: float  # part of a photo's shorter side
    costs: object  # multiply-adds of each exit
    leaving: thresholds_from_flags.Leaving
    answer: Callable  # of one image


def main(arguments: list[str]) -> None:
    """Run the command."""
    if not arguments:
        raise InputError(
            "no image files: name files, folders or globs after the flags"
        )
    source = _of_run() if FLAGS.export is None else _of_export()
    height, width, _ = source.shape
    if height != width:
        raise InputError(
            f"the model takes images of {height} x {width} pixels, but predict "
            "cuts photos square; give arrays to library.predict_early, or "
            "photos to chain_runner with an export"
        )
    if source.leaving.advice:
        command.say(f"note: {source.leaving.advice}")
    from elf_keras.data import named_images

    rows = answer_rows.AnswerRows(
        FLAGS.format,
        source.class_names,
        source.leaving.rule.exit_rule,
        FLAGS.top_k,
    )
    # One file at a time: memory stays flat, and an answer comes at once.
    named = named_images.NamedImages(arguments)
    answered = [_print(rows, source, *each) for each in named]
    for reason, count in sorted(named.left_out.items()):
        command.say(f"note: {count} more in folders are no images: {reason}")
    if not all(answered):
        command.say(
            f"note: {answered.count(False)} of {len(answered)} have no answer; "
            "their rows say why"
        )
        sys.exit(2)


def _print(rows, source, path, reason):
    """Print one image's row; return whether it is an answer."""
    from elf_keras.data import images

    file, (size, _, channels) = runs.legible(path), source.shape
    image = None
    if not reason:
        image, reason = images.attempt(
            path, size, channels=channels, kept=source.kept
        )
    if image is not None:
        answer, reason = _answered(source, image)
    if reason:
        rows.error(file, reason)
        return False
    macs = source.costs.backbone
    if not source.leaving.is_static:
        macs = source.costs.with_heads[answer.exit - 1]
    rows.answer(file, answer, int(macs), macs / source.costs.backbone)
    return True


def _answered(source, image):
    """The answer, and why there is none, or ""."""
    try:
        answer = source.answer(image)
    except ValueError as error:  # of the chain runner
        return None, str(error).partition("\n")[0] or "no answer"
    if all(map(math.isfinite, [answer.certainty, *answer.probabilities])):
        return answer, ""
    return None, "the model answers with scores that are not numbers"


def _of_run():
    folder = workdir.workdir()
    names, kept = _of_record(folder / runs.RECORD)
    command.load_tensorflow()
    from elf_keras import models
    from elf_keras.cli import temperatures_from_run
    from elf_keras.models import multiply_adds

    model = models.load(folder / runs.MODEL)
    classes, exits = model.outputs[0].shape[-1], models.exits(model)
    if len(names) != classes:
        raise InputError(
            f"{folder / runs.RECORD} names {len(names)} classes, {runs.MODEL} "
            f"has {classes}; restore the run's own files"
        )
    leaving = thresholds_from_flags.of_run(classes, exits)
    temperatures = temperatures_from_run.of_run(folder, leaving, exits)
    shape = tuple(model.inputs[0].shape[1:])
    costs = multiply_adds.exit_costs(model)
    answer = _answering(model, leaving, temperatures)
    return _Source(names, shape, kept, costs, leaving, answer)


def _answering(model, leaving, temperatures):
    """What answers to an image: stages, or the bare backbone alone."""
    from elf_keras import models
    from elf_keras.evaluation import prediction

    if leaving.is_static:
        parts = [models.static_view(model)]
    else:
        parts = models.stages(model)
    # Exits are counted by parts, of which the backbone is the last.
    before = models.exits(model) - len(parts)

    def answer(image):
        found = prediction.predict_dynamic(
            parts, image[None], leaving.thresholds, leaving.rule
        )
        (said,) = prediction.calibrated(found, temperatures)
        return dataclasses.replace(said, exit=said.exit + before)

    return answer


def _of_export():
    variant = FLAGS.variant if FLAGS["variant"].present else None
    command.load_tensorflow()
    from elf_keras.deploy import artefact

    found = artefact.load(pathlib.Path(FLAGS.export), variant)
    leaving = thresholds_from_flags.of_export(found)
    thresholds = None if leaving.is_static else leaving.thresholds
    return _Source(
        found.class_names,
        found.image_shape,
        found.kept,
        found.costs,
        leaving,
        lambda image: found.answer(image, thresholds),
    )


def _of_record(path):
    """Names of the classes, and how much of a photo scoring looks at."""
    data = runs.read_json(path).get("data")
    names = data.get("class_names") if isinstance(data, dict) else None
    if not isinstance(names, list):
        raise InputError(
            f"{path} names no classes; restore it, or train again in a new "
            "--workdir"
        )
    kept = data.get("kept", 1.0)
    if not (isinstance(kept, (int, float)) and 0 < kept <= 1):
        raise InputError(f"{path}: kept is {kept!r}, not in (0, 1]; restore it")
    return names, kept


if __name__ == "__main__":
    command.run_command(main, of_run=True, answers=True, of_export=True)
