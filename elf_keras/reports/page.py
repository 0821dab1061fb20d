"""The whole report: one HTML page that needs nothing else, and its files."""

import pathlib

import jinja2
import markupsafe

from elf_keras import runs
from elf_keras.reports import (
    class_scores,
    comparison,
    contents,
    findings,
    problems,
    run_section,
    score_rows,
    tables,
    text,
)
from elf_keras.reports.charts import (
    classes,
    confusion,
    cost,
    style,
    sweeps,
    training,
)
from elf_keras.reports.run_view import RunView
from elf_keras.runs import progress

ASSETS = pathlib.Path(__file__).parent / "assets"
_SCRIPTS = ("answers.js", "tables.js", "page.js")


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
    content, drawn = build(
        views, searches=searches or {}, exports=exports or {}
    )
    for chart in progress.counted(drawn, "drawing", len(drawn), "figures"):
        chart.write(folder / "figures")
    rows = score_rows.rows([view.folder for view in views])
    runs.write_csv(folder / "figures" / "results.csv", rows)
    for view in views:
        if view.scored is not None:
            path = folder / "figures" / text.slug(view.name)
            rows = class_scores.per_class(view)
            runs.write_csv(path / "class_scores.csv", rows)
    runs.write_text(folder / "index.html", content)


def build(
    views: list[RunView], *, searches: dict, exports: dict
) -> tuple[str, list[style.Chart]]:
    """Return the page and its charts; arguments as in `write`."""
    together = _together(views, searches)
    alone = len(views) == 1
    sections = [
        run_section.of(view, number, alone=alone)
        for number, view in enumerate(views, start=1)
    ]
    told, warned = _words(views)
    results = tables.results([view.folder for view in views])
    exported = tables.exported(exports)
    filled = {
        "Warnings": warned,
        "In short": told,
        "Pictures": together,
        "Results": results,
        "Exported models": exported,
    }
    content = (
        _templates()
        .get_template("page.html")
        .render(
            title=", ".join(view.name for view in views),
            intro=_intro(views),
            told=told,
            warned=warned,
            together=together,
            contents=contents.of_page(filled, sections),
            results=results,
            exported=exported,
            dearer=tables.dearer(exports),
            sections=sections,
            named=confusion.NAMED,
            style=_asset("page.css"),
            script=_asset(*_SCRIPTS),
        )
    )
    charts = [
        section[kind] for section in sections for kind in run_section.CHARTS
    ]
    return content, sum(charts, together)


def _templates():
    """The templates: every text is escaped in them, unless it is Markup."""
    found = jinja2.Environment(
        loader=jinja2.FileSystemLoader(ASSETS),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    found.policies["json.dumps_kwargs"] = {"sort_keys": False}
    written = (text.percent, text.points, text.few, text.macs)
    for each in (*written, text.digits, text.exit_name, text.shot):
        found.filters[each.__name__] = each
    return found


def _asset(*names):
    files = [(ASSETS / name).read_text(encoding="utf-8") for name in names]
    return markupsafe.Markup("\n".join(files))


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
    data = "" if data == "folder" else data
    if not known:
        return f"Trained on {data or 'a folder'}."
    counts = known[0].class_counts
    of = f"{data} images" if data else "images"
    return (
        f"{len(counts)} classes of {of}: the most frequent class has "
        f"{max(counts):,} training images, the rarest {min(counts):,}."
    )


def _words(views):
    """What stands at the top of the page: findings, and warnings."""
    if len(views) == 1:
        (view,) = views
        told = findings.summary(view) + findings.of_run(view)
        return told, problems.of(view)
    # What is more about a run stands in its own section.
    told, warned = (
        [f"{view.name}: {text}" for view in views for text in of_run(view)]
        for of_run in (findings.summary, problems.of)
    )
    return comparison.compared(views) + told, warned
