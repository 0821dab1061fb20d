"""The whole report: one HTML page that needs nothing else, and its files."""

import pathlib
import string

from elf_keras import runs
from elf_keras.reports import (
    comparison,
    findings,
    render,
    results_section,
    run_section,
    score_rows,
)
from elf_keras.reports.charts import classes, cost, style, sweeps, training
from elf_keras.reports.run_view import RunView

PAGE = pathlib.Path(__file__).parent / "page"
_SCRIPTS = ("answers.js", "page.js")


def write(
    folder: pathlib.Path,
    views: list[RunView],
    *,
    searches: dict[str, dict] | None = None,
    exports: dict[str, dict] | None = None,
) -> None:
    """Write index.html and figures/, the page last.

    Args:
      folder: where to.
      views: the runs.
      searches: name -> `chosen` and `curves` by t.
      exports: name -> manifest.json.
    """
    text, drawn = build(views, searches=searches or {}, exports=exports or {})
    for chart in drawn:
        chart.write(folder / "figures")
    rows = score_rows.rows([view.folder for view in views])
    runs.write_csv(folder / "figures" / "results.csv", rows)
    runs.write_text(folder / "index.html", text)


def build(
    views: list[RunView], *, searches: dict, exports: dict
) -> tuple[str, list[style.Chart]]:
    """Return the page and its charts; arguments as in `write`."""
    together = _together(views, searches)
    sections, drawn = [], list(together)
    for number, view in enumerate(views, start=1):
        section, found = run_section.of_run(view, number, alone=len(views) == 1)
        sections.append(section)
        drawn += found
    parts = {
        "In words": _words(views),
        "In pictures": render.figures(together, level=3),
        "Results": results_section.results([view.folder for view in views]),
        "Exported models": results_section.exported(exports),
    }
    body = [render.section(title, part) for title, part in parts.items()]
    body += [_picker(views), *sections]
    page = string.Template((PAGE / "page.html").read_text(encoding="utf-8"))
    title = ", ".join(view.name for view in views)
    text = page.substitute(
        title=render.text(title),
        intro=_intro(views),
        style=(PAGE / "page.css").read_text(encoding="utf-8"),
        body="\n".join(body),
        script="\n".join(
            (PAGE / name).read_text(encoding="utf-8") for name in _SCRIPTS
        ),
    )
    return text, drawn


def _together(views, searches):
    """Charts that hold several runs."""
    found = [cost.curves(views), training.losses(views)]
    seen = set()
    for view in views:
        if view.class_counts is None:
            continue
        counts = tuple(int(count) for count in view.class_counts)
        if counts not in seen:
            name = "distribution" + (f"_{len(seen) + 1}" if seen else "")
            found.append(classes.distribution(name, view))
            seen.add(counts)
    found += [
        sweeps.searched(name, each["curves"], each["chosen"])
        for name, each in searches.items()
    ]
    return [chart for chart in found if chart is not None]


def _intro(views):
    known = [view for view in views if view.class_counts is not None]
    data = views[0].folder.flags.get("dataset", "").replace("_lt", "")
    data = "" if data == "folder" else render.text(data)
    if not known:
        return f"Trained on {data or 'a folder'}."
    counts = known[0].class_counts
    return (
        f"{len(counts)} classes of {data} images, the commonest "
        f"with {max(counts):,} training images, the rarest with "
        f"{min(counts):,}."
    )


def _words(views):
    if len(views) == 1:
        told = findings.summary(views[0]) + findings.of_run(views[0])
        missing = views[0].missing
    else:
        # What is more about a run stands in its own section.
        told = comparison.compared(views) + [
            f"{view.name}: {sentence}"
            for view in views
            for sentence in findings.summary(view)
        ]
        missing = [
            f"{view.name}: {sentence}"
            for view in views
            for sentence in view.missing
        ]
    return render.items(told) + render.items(missing, kind="missing")


def _picker(views):
    """Buttons that show one run at a time; without a script all are shown."""
    if len(views) < 2:
        return ""
    buttons = "".join(
        f'<button type="button" data-show="{number}">'
        f"{render.text(view.name)}</button>"
        for number, view in enumerate(views, start=1)
    )
    return (
        '<nav class="picker" aria-label="Run to look at" hidden>'
        f"<span>One run in detail:</span>{buttons}</nav>"
    )
