"""The slider over s, and the tables that move with it."""

import json

import numpy as np

from elf_keras.reports import embedded, leavers, render, score_rows
from elf_keras.reports.run_view import GROUPS, RunView
from elf_keras.reports.text import few, macs, percent


def controls_and_tables(view: RunView, number: int) -> str:
    """Return the slider and its tables as HTML, filled at the run's point.

    Args:
      view: a run with answers and early exits.
      number: of the run on the page.
    """
    data = json.dumps(embedded.record(view)).replace("<", "\\u003c")
    return (
        "<h3>Move the threshold</h3>"
        "<p>An image leaves at the first exit whose "
        f"{view.scored.scorer.exit_rule} is above s. "
        f"It starts at {render.text(view.point.said)}. What you find here is "
        f"about the {view.scored.shown} images: to choose s for use, let "
        "<code>elf_keras.sweep</code> choose it on validation.</p>"
        + _controls(number)
        + _scores(view)
        + _composition(view)
        + f'<script type="application/json" class="answers">{data}</script>'
    )


def _scores(view):
    scorer, found = view.scored.scorer, view.seen.answers
    static = scorer.static(found) | dict.fromkeys(score_rows.SAVINGS, 0.0)
    dynamic = scorer.dynamic(found, np.append(view.point.limits, np.inf))
    groups = list(view.shot_groups)
    keys = ["accuracy", *groups, "macs", *score_rows.SAVINGS]
    titles = ["mode", "all classes", *(f"{name}-shot" for name in groups)]
    titles += ["multiply-adds an image", "saved, heads counted"]
    moving = f'leaving early at s = <output class="s">{view.point.written}'
    rows = [
        ["whole backbone (static)", *(_cell(key, static) for key in keys)],
        [f"{moving}</output>", *(_moving(key, dynamic) for key in keys)],
    ]
    return render.table(
        [*titles, "saved, heads not counted"],
        rows,
        caption="Accuracy (means over classes) and cost",
        attributes='class="moving"',
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
    return macs(value) if key == "macs" else percent(value)


def _moving(key, scores):
    return f'<output data-key="{key}">{_cell(key, scores)}</output>'


def _composition(view):
    rows = leavers.composition(view, view.point.limits)
    of = {(row["exit"], row["group"]): row for row in rows}
    groups = [name for name in view.shot_groups if (1, name) in of]
    lines = [
        [
            f"exit {exit_}" + (" (last)" * (exit_ == view.exits)),
            *(
                f'<div data-exit="{exit_}" data-group="{group}">'
                + render.bar(
                    of[exit_, group]["share"],
                    few(of[exit_, group]["share"]) + " leave",
                )
                + f"<small>{_right(of[exit_, group]['accuracy'])}</small></div>"
                for group in groups
            ),
        ]
        for exit_ in range(1, view.exits + 1)
    ]
    titles = [f"{name}-shot" for name in groups]
    return render.table(
        ["images that leave at", *titles],
        lines,
        caption=(
            "Where images leave, by how many training images their class has ("
            + ", ".join(f"{name}: {GROUPS[name]}" for name in groups)
            + "), and how many of the answers given there are right"
        ),
        attributes='class="composition"',
    )


def _right(accuracy):
    return "–" if accuracy is None else f"{percent(accuracy, 0)} right"
