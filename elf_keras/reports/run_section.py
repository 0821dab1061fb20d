"""The part of a report that is about one run."""

import json

import numpy as np

from elf_keras.reports import (
    calibration_charts,
    charts,
    class_charts,
    confusion_charts,
    embedded,
    exit_worth,
    findings,
    gallery,
    markup,
    training_charts,
)
from elf_keras.reports.run_view import GROUPS, RunView

PERCENT = charts.percent
# Flags that name places on the machine that trained.
_PLACES = ("workdir", "data_dir", "list_dir", "weights", "flagfile")
_FACTS = {
    "seed": "seed",
    "git_revision": "git revision of the code",
    "machine": "machine",
    "processors": "processors",
    "devices": "devices",
    "python": "Python",
    "epochs": "epochs trained",
    "best_epoch": "best epoch on validation",
    "images_per_second": "images a second",
    "training_seconds": "training time, s",
    "peak_memory_bytes": "peak memory, bytes",
}


def of_run(
    view: RunView, number: int, *, alone: bool
) -> tuple[str, list[charts.Chart]]:
    """Return the section as HTML, and its charts.

    Args:
      view: the run.
      number: of the run on the page, from 1.
      alone: its findings stand at the top of the page already.
    """
    parts, found = [], []
    if not alone:
        parts.append(markup.items(findings.of_run(view)))
        parts.append(markup.items(view.missing, kind="missing"))
    if view.scored is not None and view.exits > 1:
        parts.append(_dynamic(view, number))
        parts.append(_gallery(view))
        found += [_composition_chart(view)]
        parts.append(_cost(view))
    elif view.scored is not None and view.examples is not None:
        parts.append(_gallery(view))
    if view.scored is not None:
        blocks = [
            ("Which classes", _class_charts(view), ""),
            (
                "Right and wrong, by the exit taken "
                f"(s = {view.point.written})",
                confusion_charts.confusions(view),
                "small-charts",
            ),
            (
                "Can its probabilities be believed?",
                calibration_charts.calibrations(view),
                "small-charts",
            ),
        ]
        for title, drawn, kind in blocks:
            found += drawn
            parts.append(f"<h3>{markup.text(title)}</h3>")
            parts.append(_lead(title))
            parts.append(markup.figures(drawn, kind))
    trained = [
        chart
        for draw in (
            training_charts.accuracy,
            training_charts.shares,
            training_charts.loss,
        )
        if (chart := draw(view)) is not None
    ]
    if trained:
        parts.append("<h3>How training went</h3>")
        parts.append(markup.figures(trained))
    parts.append(_facts(view))
    html = (
        f'<section class="run" id="run-{number}" data-run="{number}" '
        f'aria-labelledby="run-{number}-name">'
        f'<h2 id="run-{number}-name">Run: {markup.text(view.name)}</h2>'
        f"{''.join(parts)}</section>"
    )
    return html, found + trained


def _lead(title):
    if title.startswith("Right"):
        return (
            "<p>Rows are true classes, columns answers, both from the "
            "commonest to the rarest; dark on the diagonal is right. Numbers "
            "are percent of all images of the true class, so the pictures of "
            "all exits together hold each image once.</p>"
        )
    if title.startswith("Can"):
        return (
            "<p>An exit that says 80 % should be right in 80 of 100 cases: on "
            "the grey line. Below it, it is too sure of itself. A temperature "
            "makes probabilities milder or bolder without changing any "
            "answer.</p>"
        )
    return ""


def _class_charts(view):
    found = [class_charts.confidences(view)]
    if view.exits > 1:
        found.insert(0, class_charts.payers(view))
    return found


def _dynamic(view, number):
    scorer, found = view.scored.scorer, view.seen.answers
    static = scorer.static(found) | {
        "saving_with_heads": 0.0,
        "saving_without_heads": 0.0,
    }
    dynamic = scorer.dynamic(found, np.append(view.point.limits, np.inf))
    keys = ["accuracy", *view.shot_groups, "macs"]
    keys += ["saving_with_heads", "saving_without_heads"]
    titles = ["all classes", *(f"{name}-shot" for name in view.shot_groups)]
    rows = [
        ["whole backbone (static)", *(_cell(key, static) for key in keys)],
        [
            'leaving early at s = <output class="s">'
            f"{view.point.written}</output>",
            *(_moving(key, dynamic) for key in keys),
        ],
    ]
    data = json.dumps(embedded.record(view)).replace("<", "\\u003c")
    return (
        "<h3>Move the threshold</h3>"
        f"<p>An image leaves at the first exit whose confidence is above s. "
        f"It starts at {markup.text(view.point.said)}. What you find here is "
        f"about the {view.scored.shown} images: to choose s for use, let "
        "<code>elf_keras.sweep</code> choose it on validation.</p>"
        + _controls(number)
        + markup.table(
            [
                "mode",
                *titles,
                "multiply-adds an image",
                "saved, heads counted",
                "saved, heads not counted",
            ],
            rows,
            caption="Accuracy (means over classes) and cost",
            attributes='class="moving"',
        )
        + _composition(view)
        + f'<script type="application/json" class="answers">{data}</script>'
    )


def _controls(number):
    return (
        '<div class="controls" hidden>'
        f'<label for="s-{number}">Threshold s: from everybody leaves at exit '
        "1 (left) to nobody leaves early (right)</label>"
        f'<input id="s-{number}" class="slider" type="range" min="0" '
        'step="1">'
        '<div class="row">'
        f'<label for="own-{number}">or type s</label>'
        f'<input id="own-{number}" class="own" type="number" step="any" '
        'min="0" max="1">'
        f'<label for="policy-{number}">or take a policy</label>'
        f'<select id="policy-{number}" class="policy"></select></div>'
        '<p class="said" role="status"></p></div>'
        '<p class="stuck" hidden></p>'
    )


def _cell(key, scores):
    value = scores.get(key)
    return charts.macs(value) if key == "macs" else PERCENT(value)


def _moving(key, scores):
    return f'<output data-key="{key}">{_cell(key, scores)}</output>'


def _composition(view):
    rows = class_charts.composition(view, view.point.limits)
    of = {(row["exit"], row["group"]): row for row in rows}
    groups = [name for name in view.shot_groups if (1, name) in of]
    lines = [
        [
            f"exit {exit_}" + (" (last)" * (exit_ == view.exits)),
            *(
                f'<div data-exit="{exit_}" data-group="{group}">'
                + markup.bar(
                    of[exit_, group]["share"],
                    PERCENT(of[exit_, group]["share"], 0) + " leave",
                )
                + f"<small>{_right(of[exit_, group]['accuracy'])}</small></div>"
                for group in groups
            ),
        ]
        for exit_ in range(1, view.exits + 1)
    ]
    titles = [f"{name}-shot ({GROUPS[name]})" for name in groups]
    return markup.table(
        ["images that leave at", *titles],
        lines,
        caption=(
            "Where images leave, by how many training images their class has, "
            "and how many of the answers given there are right (HAR, Fig. 6)"
        ),
        attributes='class="composition"',
    )


def _right(accuracy):
    return "–" if accuracy is None else f"{PERCENT(accuracy, 0)} right"


def _composition_chart(view):
    """The composition as files; the page shows the table instead."""
    return charts.Chart(
        name=f"composition_{class_charts.slug(view)}",
        title="",
        shows="",
        alt="",
        rows=class_charts.composition(view, view.point.limits),
    )


def _gallery(view):
    if view.examples is None:
        return ""
    chosen = view.leave(view.point.limits)
    blocks = []
    shown = gallery.thumbnails(view)
    for c in gallery.chosen_classes(view):
        own = [each for each in shown if each.label == c]
        lines = "".join(
            f'<div class="exit" data-exit="{k + 1}"><span>exit {k + 1}</span>'
            + "".join(
                _thumbnail(view, each, chosen)
                for each in own
                if chosen.exit_taken[each.index] == k
            )
            + "</div>"
            for k in range(view.exits)
        )
        blocks.append(
            f"<div><h4>{markup.text(view.class_names[c])} <small>"
            f"{view.class_counts[c]} training images</small></h4>{lines}</div>"
        )
    return (
        "<h3>Which images leave where</h3><p>Images of "
        f"{len(blocks)} classes from the commonest to the rarest, picked at "
        "random so that every exit has some. Easy ones should leave early. "
        "Point at one, or walk through them with the arrow keys, to read the "
        "answer; a thick dashed frame is a wrong answer.</p>"
        f'<div><div class="gallery">{"".join(blocks)}</div>'
        '<p class="answer" role="status"></p></div>'
    )


def _thumbnail(view, each, chosen):
    answer = chosen.classes[each.index]
    said = (
        f"{view.class_names[each.label]}: answered "
        f"{view.class_names[answer]} at exit "
        f"{chosen.exit_taken[each.index] + 1}, confidence "
        f"{chosen.confidence[each.index]:.3f}"
    )
    wrong = "wrong" if answer != each.label else "right"
    return (
        f'<img class="{wrong}" src="{each.address}" data-index="{each.index}" '
        f'alt="{markup.text(said)}" title="{markup.text(said)}" tabindex="-1">'
    )


def _cost(view):
    rows = exit_worth.of_exits(
        view.seen.answers, view.scored.scorer, np.array(view.point.limits)
    )
    costs = view.scored.scorer.costs
    taps = [row["tap"] for row in view.folder.record["model"]["exits"]]
    times = (view.folder.policy or {}).get("model", {})
    stages = times.get("stage_milliseconds") or [None] * view.exits
    lines = [
        [
            f"exit {row['exit']}",
            f"<code>{markup.text(tap)}</code>",
            charts.macs(row["head_macs"]),
            PERCENT(costs.with_heads[row["exit"] - 1] / costs.backbone),
            "–" if ms is None else f"{ms:.2g}",
            PERCENT(row["share"]),
            PERCENT(row["accuracy"]),
            ("pays, " if row["saved"] > 0 else "does not pay, ")
            + f"{100 * row['saved']:+.1f} %",
            f"{100 * row['accuracy_gain']:+.1f} points",
        ]
        for row, tap, ms in zip(rows, taps, stages, strict=False)
    ]
    note = times.get("milliseconds_from")
    return (
        "<h3>What each exit costs and pays back</h3><p>Every image that comes "
        "by pays for the head of an exit; those that leave save the rest of "
        "the network. The last columns compare with the same model without "
        f"that exit, at s = {view.point.written}."
        + (f" Milliseconds: {markup.text(note)}." if note else "")
        + "</p>"
        + markup.table(
            [
                *("exit", "reads", "its head, multiply-adds"),
                *("cost to here, of the backbone", "stage, ms"),
                *("images that leave", "of these right"),
                *("multiply-adds saved", "accuracy added"),
            ],
            lines,
            caption="Cost and payback of the early exits",
        )
    )


def _facts(view):
    record = view.folder.record or {}
    rows = [
        [markup.text(title), markup.text(_fact(record[key]))]
        for key, title in _FACTS.items()
        if record.get(key) is not None
    ]
    versions = record.get("versions") or {}
    rows += [
        [markup.text(name), markup.text(version)]
        for name, version in versions.items()
    ]
    model = record.get("model") or {}
    if "parameters" in model:
        rows.append(["parameters", f"{model['parameters']:,}"])
    rows += [
        [f"{split} images", f"{count:,}"]
        for split, count in record.get("data", {}).get("images", {}).items()
    ]
    flags = "\n".join(
        f"--{name}={value}"
        for name, value in sorted(view.folder.flags.items())
        if name not in _PLACES
    )
    table = markup.table(["what", "value"], rows, caption="This run")
    return (
        "<details><summary>How it was made: versions, seed, time, flags"
        f"</summary>{table if rows else ''}"
        f"<pre>{markup.text(flags)}</pre></details>"
    )


def _fact(value):
    if isinstance(value, float):
        return f"{value:,.1f}"
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return f"{value:,}" if isinstance(value, int) else value
