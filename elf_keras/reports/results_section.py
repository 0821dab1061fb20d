"""The results of all runs, and of exported models, as tables of a page."""

from elf_keras.policies import policy_rules
from elf_keras.reports import render, score_rows
from elf_keras.reports.run_folder import RunFolder
from elf_keras.reports.text import percent, points


def results(found: list[RunFolder]) -> str:
    """Return the results table as HTML, or nothing without scores.

    Args:
      found: the runs.
    """
    rows = score_rows.rows(found)
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
        "run was trained with, <em>mean_of_exits</em> runs everything and "
        "averages what the exits say, other names are policies chosen on "
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


def exported(exports: dict[str, dict]) -> str:
    """Return the variants of exported models as HTML.

    Args:
      exports: name -> manifest.json.
    """
    lines = [
        [
            render.text(name),
            render.text(variant),
            render.text(policy),
            percent(scores["accuracy"]),
            percent(scores.get("saving")),
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
        + render.table(
            [
                *("export", "variant", "policy", "accuracy"),
                *("saved, heads counted", "ms", "kB"),
            ],
            lines,
            caption="Exported variants",
        )
    )


def _score_table(rows, caption):
    before, lines = None, []
    for row in rows:
        name = row["run"] if row["run"] != before else ""
        before = row["run"]
        seeds = f" <small>seed {render.text(row['seeds'])}</small>" * bool(name)
        lines.append(
            [
                f"{render.text(name)}{seeds}",
                render.text(row["mode"]),
                render.text(row["epoch"]),
                render.text(row["exit_threshold"]),
                *(
                    _score(row, key)
                    for key in (*score_rows.ACCURACIES, *score_rows.SAVINGS)
                ),
            ]
        )
    return render.table(
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
    mean, spread = points(row[key]), row[f"{key}_spread"]
    return mean if spread is None else f"{mean} ± {points(spread)}"
