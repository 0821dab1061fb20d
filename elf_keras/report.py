"""Make one page of figures and findings about one or several runs.

elf-keras report runs/mine --output=report

Takes folders of runs, of a search over t, and of exports (NAME or NAME/N). The
first may be given as --workdir, as for other commands. Writes index.html, which
opens from disk without a network, and figures/ with each figure as PNG, SVG and
CSV. Runs each model once over validation and test. Where images or model are
missing, it draws what the folders hold and says what is left out.

Each run has its own flags. Images leave by the exit rule of its policy.json,
where a sweep wrote one. --data_dir says where the images are now;
--exit_rule, --answer and --answer_decay apply to all runs.
"""

import dataclasses
import pathlib
import sys

from absl import flags

from elf_keras import runs
from elf_keras.cli import command, data_from_flags, workdir
from elf_keras.deploy import versions
from elf_keras.errors import InputError
from elf_keras.exits import answer_rule
from elf_keras.reports import beside, run_folder
from elf_keras.runs import progress

FLAGS = flags.FLAGS
flags.DEFINE_string(
    "output",
    None,
    "Folder to write the page to. Default: report/ in the first run.",
    # That of an export is another one.
    allow_override=True,
)
flags.DEFINE_bool(
    "run_models",
    True,
    "Run the models over their images, where these are found.",
)

# Of those that no font has.
_LETTERS = 10


def main(arguments: list[str]) -> None:
    """Run the command."""
    named = [FLAGS.workdir] * bool(FLAGS.workdir) + arguments
    paths = [pathlib.Path(word) for word in dict.fromkeys(named)]
    absent = [str(path) for path in paths if not path.is_dir()]
    if absent or not paths:
        raise InputError(
            f"{', '.join(absent) or 'no folder was named'}: expected folders "
            "of runs, such as runs/digits_lt"
        )
    searches = [path for path in paths if (path / beside.SEARCH).exists()]
    exports = [path for path in paths if versions.is_export(path)]
    folders = [path for path in paths if path not in searches + exports]
    found = [*map(beside.search, searches)]
    for path, each in zip(searches, found, strict=True):
        chosen = path / each["runs"][each["chosen"]]
        folders += [chosen] * (chosen not in folders)
    if not folders:
        raise InputError(
            "only exports were named: add the folder of the run they are of"
        )
    output = pathlib.Path(FLAGS.output or folders[0] / "report")
    if exports:
        # Tables of exports ask for it.
        command.load_tensorflow()
    manifests = beside.exports(_manifests(exports))
    told = {
        key: str(FLAGS[key].value)
        for key in answer_rule.KEYS
        if FLAGS[key].present
    }
    read = [
        run_folder.read(path, name, told)
        for path, name in zip(folders, run_folder.names(folders), strict=True)
    ]
    named = zip(run_folder.names(searches), found, strict=True)
    run(read, output, dict(named), manifests)


def run(
    read: list[run_folder.RunFolder],
    output: pathlib.Path,
    searches: dict[str, dict],
    exports: dict[str, dict],
) -> None:
    """Draw the page of runs that have been read."""
    _check_classes({each.name: each.data.get("class_names") for each in read})
    command.load_tensorflow()
    from elf_keras.reports import page

    steps, views = progress.Steps(command.say), []
    for each in read:
        views.append(_view(each))
        steps.ended(f"{each.name} read")
    _check_classes({view.name: list(view.class_names) for view in views})
    for view in views:
        for sentence in view.missing:
            command.say(f"note: {view.name}: {sentence}")
    page.write(output, views, searches=searches, exports=exports)
    steps.ended("figures drawn")
    _tell_lacking(views)
    command.say(f"written to {output}: index.html, figures/")


def _tell_lacking(views):
    """Letters of names that pictures show as their codes."""
    from elf_keras.reports.charts import lettering

    names = [name for view in views for name in (view.name, *view.class_names)]
    if letters := lettering.lacking(names):
        some = letters[:_LETTERS] + "…" * (len(letters) > _LETTERS)
        command.say(
            f"note: no font that is installed here has {some}; pictures show "
            "codes such as \\u732b in their place: install one that has them, "
            "such as Noto Sans CJK, and make the page again"
        )


def _view(folder):
    import numpy

    from elf_keras.reports import run_view

    (data, missing), record = _data(folder), folder.data
    classes = ()
    if record:
        counts = numpy.asarray(record["class_counts"])
        classes = (tuple(record["class_names"]), counts)
    elif data is not None:
        classes = (data.class_names, data.class_counts)
    missing = folder.missing + missing
    view = run_view.RunView(folder, *classes, missing=missing)
    scorable = data is not None and (data.validation or data.test)
    if not scorable or not (folder.path / runs.MODEL).exists():
        return view
    found = _scored(view, data)
    data_from_flags.tell_damaged(data)
    return found


def _data(folder):
    """The run's images, or what is missing without them."""
    if not FLAGS.run_models:
        return None, ("Drawn without running the model (--norun_models).",)
    try:
        data = data_from_flags.of_run(
            folder.path, _flags(folder), who=f"{folder.name}: "
        )
    except (InputError, OSError) as reason:
        # The page must not tell where anything lies on this machine.
        command.say(f"note: {folder.name}: {reason}")
        return None, (_without("the run's images were not found"),)
    record = folder.data
    if record and (
        tuple(record["class_names"]) != data.class_names
        or list(record["class_counts"]) != list(data.class_counts)
    ):
        return None, (_without("the images found are not those of the run"),)
    return data, ()


def _flags(folder):
    """The run's flags; those on the command line win."""
    # It may have been moved since, and --workdir may name another one.
    own = f"--workdir={folder.path}"
    return workdir.flags_of(folder.path, [*sys.argv[1:], own])


def _without(reason):
    return (
        f"No scores by class, confusions, gallery or slider: {reason}. Name "
        "their folder with --data_dir=FOLDER."
    )


def _scored(view, data):
    from elf_keras import models
    from elf_keras.cli import (
        answer_from_flags,
        fitting_model,
        model_from_flags,
    )
    from elf_keras.reports import missing, run_view

    command.say(f"{view.name}: running the model over validation and test")
    model = fitting_model.load(view.folder.path / runs.MODEL, data)
    given = _flags(view.folder)
    scorer = model_from_flags.scorer(model, data, given)
    # σ and the weights of a sum are facts of the training.
    rule = dataclasses.replace(scorer.rule, **view.folder.rule.told)
    s = answer_from_flags.exit_thresholds(
        len(data.class_names), models.exits(model), given, by=rule
    )
    scorer = dataclasses.replace(scorer, rule=rule, thresholds=s)
    found = run_view.score(model, data, scorer)
    if not found.splits:
        return view
    examples = getattr(data, found.shown)
    view = dataclasses.replace(view, scored=found, examples=examples)
    return dataclasses.replace(
        view, missing=view.missing + missing.differs(view)
    )


def _check_classes(classes):
    """Refuse runs whose accuracies mean different things."""
    known = [(name, each) for name, each in classes.items() if each]
    for name, each in known:
        first, expected = known[0]
        if each != expected:
            raise InputError(
                f"{name} has other classes ({_shown(each)}) than {first} "
                f"({_shown(expected)}): their scores cannot be compared; make "
                "a page for each"
            )


def _shown(classes):
    return f"{len(classes)}: {', '.join(classes[:3])} …"


def _manifests(exports):
    """Where the manifests of exports are, by names that tell them apart."""
    folders = [*map(versions.folder_of, exports)]
    labels = [*map(versions.label, folders)]
    if len({*labels}) < len(labels):
        labels = run_folder.names(folders, 2)
    files = (folder / versions.MANIFEST for folder in folders)
    return dict(zip(labels, files, strict=True))


if __name__ == "__main__":
    command.run_command(main)
