"""The part of a report that is about one run."""

from elf_keras.reports import findings, gallery, render, slider, tables
from elf_keras.reports.charts import (
    calibration,
    classes,
    confusion,
    leaving,
    style,
    training,
)
from elf_keras.reports.run_view import RunView

_CONFUSION = (
    "Rows are true classes, columns answers, both from the commonest to the "
    "rarest; dark on the diagonal is right. Numbers are percent of all images "
    "of the true class, so the pictures of all exits together hold each image "
    "once."
)
_CALIBRATION = (
    "An exit that says 80 % should be right in 80 of 100 cases: on the grey "
    "line. Below it, it is too sure of itself. A temperature makes "
    "probabilities milder or bolder without changing any answer."
)


def of_run(
    view: RunView, number: int, *, alone: bool
) -> tuple[str, list[style.Chart]]:
    """Return the section as HTML, and its charts.

    Args:
      view: the run.
      number: of the run on the page, from 1.
      alone: its findings stand at the top of the page already.
    """
    parts, drawn = [], []
    if not alone:
        parts.append(render.items(findings.of_run(view)))
        parts.append(render.items(view.missing, kind="missing"))
    for found, files in (_leaving(view, number), _answers(view)):
        parts.append(found)
        drawn += files
    trained = training.all_of(view)
    if trained:
        parts.append("<h3>How training went</h3>")
        parts.append(render.figures(trained))
    parts.append(tables.facts(view))
    html = (
        f'<section class="run" id="run-{number}" data-run="{number}" '
        f'aria-labelledby="run-{number}-name">'
        f'<h2 id="run-{number}-name">Run: {render.text(view.name)}</h2>'
        f"{''.join(parts)}</section>"
    )
    return html, drawn + trained


def _leaving(view, number):
    """Slider, gallery and costs; their charts are written as files only."""
    if view.exits < 2:
        return (gallery.block(view) if view.scored is not None else ""), []
    if view.scored is None:
        return tables.costs(view) if view.folder.metrics else "", []
    files = [leaving.composition(view)]
    html = slider.controls_and_tables(view, number)
    html += render.files(files[0])
    if view.examples is not None:
        files.append(leaving.gallery(view))
        html += gallery.block(view) + render.files(files[1])
    return html + tables.costs(view), files


def _answers(view):
    if view.scored is None:
        return _recorded(view)
    at = f", by the exit taken (s = {view.point.written})" * (view.exits > 1)
    blocks = [
        ("Which classes", "", _of_classes(view), ""),
        (
            f"Right and wrong{at}",
            _CONFUSION,
            confusion.confusions(view),
            "small-charts",
        ),
        (
            "Can its probabilities be believed?",
            _CALIBRATION,
            calibration.calibrations(view),
            "small-charts",
        ),
    ]
    html = "".join(
        f"<h3>{render.text(title)}</h3>"
        + (f"<p>{render.text(lead)}</p>" if lead else "")
        + render.figures(drawn, kind)
        for title, lead, drawn, kind in blocks
    )
    return html, [chart for _, _, drawn, _ in blocks for chart in drawn]


def _recorded(view):
    """What can be drawn of classes without answers."""
    if view.exits < 2 or not view.folder.per_class or not view.folder.metrics:
        return "", []
    drawn = [classes.payers(view)]
    return f"<h3>Which classes</h3>{render.figures(drawn)}", drawn


def _of_classes(view):
    found = [classes.confidences(view)]
    return [classes.payers(view), *found] if view.exits > 1 else found
