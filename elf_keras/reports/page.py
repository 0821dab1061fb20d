"""The whole report: one HTML page that needs nothing else, and its files."""

import pathlib
import string

from elf_keras import policy_rules, runs
from elf_keras.reports import (
    charts,
    class_charts,
    findings,
    markup,
    run_section,
    score_table,
    trade_off_charts,
)
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
    rows = score_table.rows([view.folder for view in views])
    runs.write_csv(folder / "figures" / "results.csv", rows)
    runs.write_text(folder / "index.html", text)


def build(
    views: list[RunView], *, searches: dict, exports: dict
) -> tuple[str, list[charts.Chart]]:
    """Return the page and its charts; arguments as in `write`."""
    together = _together(views, searches)
    sections, drawn = [], list(together)
    for number, view in enumerate(views, start=1):
        section, found = run_section.of_run(view, number, alone=len(views) == 1)
        sections.append(section)
        drawn += found
    body = [
        markup.section("In words", _words(views), attributes='id="words"'),
        markup.section("Results", _results(views), attributes='id="results"'),
        markup.section(
            "In pictures",
            markup.figures(together),
            attributes='id="pictures"',
        ),
        markup.section(
            "Exported models", _exports(exports), attributes='id="exports"'
        ),
        _picker(views),
        *sections,
    ]
    page = string.Template((PAGE / "page.html").read_text(encoding="utf-8"))
    title = ", ".join(view.name for view in views)
    text = page.substitute(
        title=markup.text(title),
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
    found = [trade_off_charts.curves(views), trade_off_charts.losses(views)]
    seen = set()
    for view in views:
        if view.class_counts is None:
            continue
        counts = tuple(int(count) for count in view.class_counts)
        if counts not in seen:
            name = "distribution" + (f"_{len(seen) + 1}" if seen else "")
            found.append(class_charts.distribution(name, view))
            seen.add(counts)
    found += [
        trade_off_charts.search(name, each["curves"], each["chosen"])
        for name, each in searches.items()
    ]
    return [chart for chart in found if chart is not None]


def _intro(views):
    known = [view for view in views if view.class_counts is not None]
    data = views[0].folder.flags.get("dataset", "").replace("_lt", "")
    if not known:
        return f"Trained on {markup.text(data)}."
    counts = known[0].class_counts
    return (
        f"{len(counts)} classes of {markup.text(data)} images, the commonest "
        f"with {max(counts):,} training images, the rarest with "
        f"{min(counts):,}."
    )


def _words(views):
    if len(views) == 1:
        told = findings.summary(views[0]) + findings.of_run(views[0])
        missing = views[0].missing
    else:
        # What is more about a run stands in its own section.
        told = findings.compared(views) + [
            f"{view.name}: {sentence}"
            for view in views
            for sentence in findings.summary(view)
        ]
        missing = [
            f"{view.name}: {sentence}"
            for view in views
            for sentence in view.missing
        ]
    return markup.items(told) + markup.items(missing, kind="missing")


def _results(views):
    rows = score_table.rows([view.folder for view in views])
    if not rows:
        return ""
    best = any(row["epoch"].startswith("best") for row in rows)
    main = [
        row
        for row in rows
        if row["epoch"].startswith("best") == best
        and not row["mode"].endswith(policy_rules.PER_EXIT)
    ]
    rest = [row for row in rows if row not in main]
    split = rows[0]["split"]
    several = any("," in row["seeds"] for row in rows)
    spread = " ± is half the range over seeds." * several
    return (
        f"<p>Accuracies are means over classes of the {split} images, in "
        "percent: many-shot classes have more than 100 training images, "
        "few-shot ones fewer than 20. <em>Static</em> is the whole backbone, "
        "<em>dynamic</em> lets images leave early at the threshold that the "
        "run was trained with, other names are policies chosen on "
        "validation (<em>macs_50</em>: within half of the multiply-adds). "
        "<em>Saved</em> is the share of the backbone's "
        f"multiply-adds; below zero, exits cost more than they save.{spread}"
        "</p>"
        + _score_table(main, "Results")
        + (
            "<details><summary>The last epoch, and policies with a threshold "
            "for each exit</summary>"
            f"{_score_table(rest, 'Further results')}</details>"
            if rest
            else ""
        )
        + '<p class="small"><a href="figures/results.csv">CSV</a></p>'
    )


def _score_table(rows, caption):
    before, lines = None, []
    for row in rows:
        name = row["run"] if row["run"] != before else ""
        before = row["run"]
        seeds = f" <small>seed {markup.text(row['seeds'])}</small>" * bool(name)
        lines.append(
            [
                f"{markup.text(name)}{seeds}",
                markup.text(row["mode"]),
                markup.text(row["epoch"]),
                markup.text(row["exit_threshold"]),
                *(
                    _score(row, key)
                    for key in (*score_table.ACCURACIES, *score_table.SAVINGS)
                ),
            ]
        )
    return markup.table(
        [
            *("run", "mode", "epoch", "s", "all", "many", "medium", "few"),
            *("saved, heads counted", "saved, heads not counted"),
        ],
        lines,
        caption=caption,
        attributes='class="scores"',
    )


def _score(row, key):
    if row[key] is None:
        return "–"
    mean = f"{100 * row[key]:.1f}"
    mean = "0.0" if mean == "-0.0" else mean
    spread = row[f"{key}_spread"]
    return mean if spread is None else f"{mean} ± {100 * spread:.1f}"


def _exports(exports):
    lines = [
        [
            markup.text(name),
            markup.text(variant),
            markup.text(policy),
            charts.percent(scores["accuracy"]),
            charts.percent(scores.get("saving")),
            f"{scores['milliseconds']:.3g}"
            if scores.get("milliseconds") is not None
            else "–",
            f"{sum(s['bytes'] for s in found['stages']) / 1e3:,.0f}",
        ]
        for name, manifest in exports.items()
        for variant, found in (manifest.get("variants") or {}).items()
        for policy, scores in found["policies"].items()
    ]
    if not lines:
        return ""
    return (
        "<p>The files that ship, each with thresholds of its own; "
        "milliseconds are expected times of one image on the machine that "
        "exported.</p>"
        + markup.table(
            [
                *("export", "variant", "policy", "accuracy"),
                *("saved, heads counted", "ms", "kB"),
            ],
            lines,
            caption="Exported variants",
        )
    )


def _picker(views):
    """Buttons that show one run at a time; without a script all are shown."""
    if len(views) < 2:
        return ""
    buttons = "".join(
        f'<button type="button" data-show="{number}">'
        f"{markup.text(view.name)}</button>"
        for number, view in enumerate(views, start=1)
    )
    return (
        '<nav class="picker" aria-label="Run to look at" hidden>'
        f"<span>One run in detail:</span>{buttons}</nav>"
    )
