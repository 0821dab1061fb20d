"""One run on the page: what each part of its section shows."""

from elf_keras.reports import (
    class_scores,
    confused,
    findings,
    gallery,
    slider,
    tables,
    text,
)
from elf_keras.reports.charts import (
    calibration,
    classes,
    confusion,
    leaving,
    training,
)
from elf_keras.reports.run_view import RunView

# Charts of a section, in their order; those of `files` are files only.
CHARTS = (
    *("files", "classes", "overall", "confusions", "calibrations"),
    "training",
)
# Mistakes in a table.
_MISTAKES = 15


def of(view: RunView, number: int, *, alone: bool) -> dict:
    """What the templates need of a run; what is empty or None is left out.

    Args:
      view: the run.
      number: of its section, from 1.
      alone: whether no other run is on the page, whose top then has the
        run's findings.
    """
    scored = view.scored is not None
    early = view.exits > 1
    known = scored or view.folder.recorded()
    return {
        "view": view,
        "number": number,
        "told": [] if alone else findings.of_run(view),
        "slider": slider.of(view) if scored and early else None,
        "gallery": gallery.blocks(view) if scored else [],
        "costs": tables.costs(view) if early and known else None,
        **_classes(view, scored, early and known),
        "calibrations": calibration.calibrations(view) if scored else [],
        "training": training.all_of(view),
        "facts": tables.facts(view),
        "flags": tables.flags(view),
    }


def _classes(view, scored, pays):
    """Charts and tables about classes and images."""
    moves = scored and view.exits > 1
    files = [leaving.composition(view)] if moves else []
    if moves and view.examples is not None:
        files.append(leaving.gallery(view))
    shown = []
    if pays and (scored or view.folder.per_class):
        shown.append(classes.payers(view))
    if scored:
        shown.append(classes.confidences(view))
    return {
        "files": files,
        "scores": _scores(view) if scored else None,
        "classes": shown,
        "overall": [confusion.overall(view)] if scored else [],
        "mistakes": _mistakes(view) if scored else [],
        "confusions": confusion.confusions(view) if moves else [],
    }


def _scores(view):
    return {
        "top": class_scores.top(view),
        "means": class_scores.means(view),
        **class_scores.listed(view),
        "csv": f"figures/{text.slug(view.name)}/class_scores.csv",
    }


def _mistakes(view):
    pairs = confused.count(view.seen.labels, view.judged.classes)
    return confused.worst(view, pairs, _MISTAKES)
