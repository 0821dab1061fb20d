"""The whole report: one HTML page that needs nothing else, and its files."""

import operator
import pathlib

import jinja2
import markupsafe

from elf_keras import runs
from elf_keras.reports import (
    comparison,
    findings,
    gallery,
    score_rows,
    slider,
    tables,
    text,
)
from elf_keras.reports.charts import (
    calibration,
    classes,
    confusion,
    cost,
    leaving,
    style,
    sweeps,
    training,
)
from elf_keras.reports.run_view import RunView
from elf_keras.runs import progress

ASSETS = pathlib.Path(__file__).parent / "assets"
_SCRIPTS = ("answers.js", "page.js")
# Of a run, in their order; those of `files` are written as files only.
_CHARTS = ("files", "classes", "confusions", "calibrations", "training")


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
    runs.write_text(folder / "index.html", content)


def build(
    views: list[RunView], *, searches: dict, exports: dict
) -> tuple[str, list[style.Chart]]:
    """Return the page and its charts; arguments as in `write`."""
    together = _together(views, searches)
    sections = [_section(view, k + 1, views) for k, view in enumerate(views)]
    told, missing = _words(views)
    content = (
        _templates()
        .get_template("page.html")
        .render(
            title=", ".join(view.name for view in views),
            intro=_intro(views),
            told=told,
            missing=missing,
            together=together,
            results=tables.results([view.folder for view in views]),
            exported=tables.exported(exports),
            dearer=tables.dearer(exports),
            sections=sections,
            style=_asset("page.css"),
            script=_asset(*_SCRIPTS),
        )
    )
    charts = [section[kind] for section in sections for kind in _CHARTS]
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


def _section(view, number, views):
    """One run on the page; what is empty or None is left out."""
    alone, scored = len(views) == 1, view.scored is not None
    early, moves = view.exits > 1, scored and view.exits > 1
    known = scored or view.folder.recorded()
    pays = early and known and (scored or view.folder.per_class)
    files = [leaving.composition(view)] if moves else []
    if moves and view.examples is not None:
        files.append(leaving.gallery(view))
    shown = [classes.payers(view)] if pays else []
    return {
        "view": view,
        "number": number,
        # Findings of a single run stand at the top of the page.
        "told": [] if alone else findings.of_run(view),
        "missing": () if alone else view.missing,
        "slider": slider.of(view) if moves else None,
        "gallery": gallery.blocks(view) if scored else [],
        "costs": tables.costs(view) if early and known else None,
        "files": files,
        "classes": shown + ([classes.confidences(view)] if scored else []),
        "confusions": confusion.confusions(view) if scored else [],
        "calibrations": calibration.calibrations(view) if scored else [],
        "training": training.all_of(view),
        "facts": tables.facts(view),
        "flags": tables.flags(view),
    }


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
    return (
        f"{len(counts)} classes of {data} images, the commonest "
        f"with {max(counts):,} training images, the rarest with "
        f"{min(counts):,}."
    )


def _words(views):
    """What stands at the top of the page: findings, and what is missing."""
    if len(views) == 1:
        (view,) = views
        return findings.summary(view) + findings.of_run(view), view.missing
    # What is more about a run stands in its own section.
    told, missing = (
        [f"{view.name}: {text}" for view in views for text in of_run(view)]
        for of_run in (findings.summary, operator.attrgetter("missing"))
    )
    return comparison.compared(views) + told, missing
